"""Reports in the formats that other tools read. Every text in them is cleaned, but in `native`."""
