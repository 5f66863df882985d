"""Pure rules of orders: prices, sales, returns, shifts, invoices. Values in, values out."""
