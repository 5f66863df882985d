"""Receipt printers that speak ESC/POS: papers that are not fiscal.

`slips` lays a document out and has python-escpos write its bytes; `talking` sends them and hears that they were printed;
`simulated` is such a printer: it reads the bytes and shows the paper.
"""
