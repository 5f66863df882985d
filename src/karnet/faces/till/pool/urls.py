"""Addresses of the pool's desk, within the till's."""

from django.urls import URLPattern, path

from karnet.faces.till.pool import coming, inside, keeping, leaving, mending, passes

urlpatterns: list[URLPattern] = [
    path("", coming.home, name="pool"),
    path("scan", coming.scan, name="pool-scan"),
    path("choose", coming.choose, name="pool-choose"),
    path("band", coming.band, name="pool-band"),
    path("drop", coming.drop, name="pool-drop"),
    path("enter", coming.let_in, name="pool-enter"),
    path("tabs/<uuid:tab>", leaving.tab, name="pool-tab"),
    path("tabs/<uuid:tab>/scan", leaving.scan, name="pool-bill-scan"),
    path("tabs/<uuid:tab>/by-pass", leaving.by_pass, name="pool-by-pass"),
    path("tabs/<uuid:tab>/pay", leaving.pay, name="pool-pay"),
    path("tabs/<uuid:tab>/undo", leaving.undo, name="pool-undo"),
    path("tabs/<uuid:tab>/goods", leaving.goods, name="pool-goods"),
    path("tabs/<uuid:tab>/lost", mending.lost, name="pool-lost"),
    path("tabs/<uuid:tab>/missed", mending.missed, name="pool-missed"),
    path("tabs/<uuid:tab>/forced", mending.forced, name="pool-forced"),
    path("passes", passes.show_pass, name="pool-passes"),
    path("passes/sell", passes.sell_pass, name="pool-sell-pass"),
    path("passes/top-up", passes.top_up_pass, name="pool-top-up"),
    path("passes/instalments", keeping.instalments, name="pool-instalments"),
    path("passes/renew", keeping.renew, name="pool-renew-pass"),
    path("passes/code", keeping.code, name="pool-pass-code"),
    path("passes/block", keeping.bar, name="pool-block-pass"),
    path("heads", inside.heads_now, name="pool-heads"),
    path("inside", inside.people, name="pool-inside"),
    path("inside.pdf", inside.paper, name="pool-inside-paper"),
    path("evacuation", inside.evacuation, name="pool-evacuation"),
    path("evacuation/end", inside.end_evacuation, name="pool-evacuation-end"),
]
