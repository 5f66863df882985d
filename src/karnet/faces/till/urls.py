"""Addresses of the till."""

from django.urls import include, path

from karnet.faces.till import buyers, card_money, cards, customers, partners, printing, rights, sales, selling, shifts

app_name = "till"
urlpatterns = [
    path("", selling.home, name="home"),
    path("tile", selling.tile, name="tile"),
    path("category", selling.category, name="category"),
    path("scan", selling.scan, name="scan"),
    path("line", selling.line, name="line"),
    path("group", selling.group, name="group"),
    path("right", rights.use_right, name="right"),
    path("drop", selling.drop, name="drop"),
    path("pay", selling.pay, name="pay"),
    path("pay/card-money", card_money.pay_from_card, name="pay-card-money"),
    path("buyer", buyers.buyer, name="buyer"),
    path("customer", customers.customer, name="customer"),
    path("card", cards.card, name="card"),
    path("card/block", cards.block, name="block"),
    path("card/unblock", cards.unblock, name="unblock"),
    path("card/replace", cards.replace, name="replace"),
    path("card/back", cards.hand_in, name="hand-in"),
    path("card/money", card_money.put_money_on, name="put-money-on"),
    path("sales", sales.orders, name="orders"),
    path("sales/<uuid:order>", sales.order, name="order"),
    path("sales/<uuid:order>/back", sales.back, name="back"),
    path("sales/<uuid:order>/invoice", sales.invoice_now, name="invoice-now"),
    path("sales/<uuid:order>/receipt.pdf", sales.receipt_paper, name="receipt"),
    path("sales/<uuid:order>/invoice.pdf", sales.invoice_paper, name="invoice"),
    path("sales/<uuid:order>/print", printing.print_again, name="print"),
    path("sales/<uuid:order>/papers/<uuid:job>", printing.paper, name="paper"),
    path("shift", shifts.shift, name="shift"),
    path("shift/open", shifts.open_shift, name="open"),
    path("shift/close", shifts.close_shift, name="close"),
    path("shift/cash", shifts.move_drawer, name="cash"),
    path("pool/", include("karnet.faces.till.pool.urls")),
    path("lockers/", include("karnet.faces.till.lockers.urls")),
    path("partner/", partners.home, name="partner"),
    path("partner/sell", partners.make_sale, name="partner-sell"),
    path("partner/sales/<uuid:order>", partners.sale, name="partner-sale"),
    path("partner/sales/<uuid:order>/receipt.pdf", partners.receipt_paper, name="partner-receipt"),
]
