"""The door to Git: remotes, mirrors, work trees, signatures, commits and pushes.

The only importer of GitPython, whose command runner starts every git child; the import is put off until the first one,
because it costs a tenth of a second. Everything is asyncio on the outside and blocking in threads on the inside, has a
deadline, and ends within a second when it is cancelled. What the files mean is left to others.
"""
