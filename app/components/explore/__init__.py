"""The instrument of the page Explore: a pool under the hand, its budget and its teacher moved in the browser."""
