//! Ways to hide a reader: each is found, with a witness that names where; and look-alikes that are safe, which are proved so.
