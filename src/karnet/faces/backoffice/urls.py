"""Routes of the back office, below /office/."""

from __future__ import annotations

from django.urls import path

from karnet.faces.backoffice import (
    agreements,
    catalogue,
    common_card,
    finding,
    partners,
    people,
    places,
    record,
    settling,
    staff,
    tables,
    today,
    trying,
)

app_name = "office"
urlpatterns = [
    path("", today.today, name="today"),
    path("today/<slug:part>", today.today_part, name="today-part"),
    path("search/", finding.search, name="search"),
    path("cards/<str:number>/", finding.card, name="card"),
    path("orders/<uuid:order>/", finding.order, name="order"),
    path("people/<uuid:customer>/", people.person, name="person"),
    path("people/<uuid:customer>/person.json", people.export, name="person-export"),
    path("people/<uuid:customer>/erase/", people.erase, name="person-erase"),
    path("record/", record.record, name="record"),
    path("record/<uuid:operation>/", record.operation, name="operation"),
    path("common-card/", common_card.common_card, name="common-card"),
    path("common-card/now", common_card.now_part, name="common-card-now"),
    path("settlement/", settling.settlement, name="settlement"),
    path("settlement/close/", settling.close_period, name="close"),
    path("settlement/what-if/", trying.tried, name="what-if"),
    path("settlement/agreements/", agreements.agreements, name="agreements"),
    path("settlement/agreements/propose/", agreements.propose, name="propose"),
    path("settlement/agreements/<slug:sha256>/", agreements.agreement, name="agreement"),
    path("settlement/agreements/<slug:sha256>/sign/", agreements.sign, name="sign"),
    path("settlement/<slug:what>.<slug:form>", settling.report_file, name="report-file"),
    path("settlement/pair/<str:debtor>/<str:creditor>/", settling.pair, name="pair"),
    path("settlement/pair/<str:debtor>/<str:creditor>/passages.<slug:form>", settling.pair_file, name="pair-file"),
    path("settlement/tickets/<str:asked>/", settling.explained, name="explained"),
    path("catalogue/", catalogue.catalogue, name="catalogue"),
    path("catalogue/<uuid:draft>/", catalogue.draft, name="draft"),
    path("catalogue/<uuid:draft>/products/<int:place>/", catalogue.product, name="product"),
    path("catalogue/<uuid:draft>/consequences/", catalogue.consequences, name="consequences"),
    path("catalogue/<uuid:draft>/publish/", catalogue.publish, name="publish"),
    path("catalogue/<uuid:draft>/discard/", catalogue.discard, name="discard"),
    path("places/", places.places, name="places"),
    path("places/enrol/<slug:kind>/", places.enrol, name="enrol"),
    path("places/<uuid:party>/name/", places.name, name="name"),
    path("places/<uuid:party>/end/", places.end, name="end"),
    path("partners/", partners.partners, name="partners"),
    path("partners/<uuid:point>/", partners.change, name="terms"),
    path("staff/", staff.staff, name="staff"),
    path("staff/<str:username>/", staff.change, name="staff-change"),
    path("tables/", tables.tables, name="tables"),
    path("tables/<slug:name>/", tables.table, name="table"),
]
