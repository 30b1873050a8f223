"""What people and programs read: tables, pages and lines about what is known; no verdict is made here."""
