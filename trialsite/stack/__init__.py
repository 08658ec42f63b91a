"""Starts and watches the processes of a demonstration: `python -m trialsite.stack`.

Standard library only, and never Django: the supervisor has to stay small and has to outlive its children.
"""
