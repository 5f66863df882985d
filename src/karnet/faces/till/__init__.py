"""The till: what a cashier sees. Sells, tops up, takes back, replaces, blocks, counts the drawer.

It has no table and no rule of its own. The sale that is being made lives in the session (`carts`); everything that
changes something goes through the services of orders and entitlements, each request under the key that was made with
its form (`asking`), so that a double click, a lost answer or a second tab never sells twice.
"""
