"""The words everybody uses: values only, no verbs, no I/O. Imports nothing of ours."""
