"""Named scenarios, measured as ratios in one run: `python -m bench --help`.

Contenders of a scenario run interleaved, so that what else the machine does falls on all of them alike.
"""
