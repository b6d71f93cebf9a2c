"""The tables of rules, one module per subject: what each rule means, and what its author does about it."""
