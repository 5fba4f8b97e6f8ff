"""Campaigns on the pages of the studio: labels bought with real money for a pool whose truth nobody knows."""
