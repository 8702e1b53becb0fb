"""Journals as people hold them: exports, archives of stream records, saved answers."""
