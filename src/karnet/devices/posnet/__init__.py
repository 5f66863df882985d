"""The protocol of Polish fiscal printers by POSNET, sans I/O.

`frames`: frames and their check sums; `characters`: code pages and what a goods name may be; `commands`: a receipt as
commands; `driving`: the machine that prints a receipt once, whatever happens on the way; `simulated`: a printer.
Source: "Specyfikacja protokołu POSNET" of the online printers (POT-I-DEV-37); sections are named by command.
"""
