"""What Debian and its like have in common: dpkg's database, apt's lists, simulations and transactions."""
