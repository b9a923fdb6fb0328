"""What `audit.py` calls: each module joins a few rooms for one part of a scan."""
