"""What happens to the product when inputs are broken, processes are killed and disks are full; `make torture`."""
