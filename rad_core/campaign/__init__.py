"""Campaigns: labels bought with real money for a pool whose answers nobody knows; no code here reads a true label."""
