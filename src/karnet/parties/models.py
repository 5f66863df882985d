"""Tables of parties. Facility, sales point and operator are projected and bear codes only; names of people, log-ins and
companies stay beside the journal, where they can be corrected, exported and erased (SPEC X4)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models.functions import Lower

from karnet.journal.models import Actor, ProjectedModel
from karnet.parties.rules import ROLES


class Facility(ProjectedModel):
    """A place with its own currency and time zone. Its id is that of its actor."""

    actor = models.OneToOneField(Actor, primary_key=True, db_column="id", on_delete=models.PROTECT, related_name="+")
    code = models.CharField(max_length=32, unique=True)
    currency = models.CharField(max_length=3)
    time_zone = models.CharField(max_length=64)

    class Meta:
        db_table = "parties_facility"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(currency__regex="^[A-Z]{3}$"), name="facility_currency_iso_4217"),
            models.CheckConstraint(condition=~models.Q(code=""), name="facility_code_present"),
            models.CheckConstraint(condition=~models.Q(time_zone=""), name="facility_time_zone_present"),
        ]


class Operator(ProjectedModel):
    """Who sells, known by a code. Its id is that of its actor."""

    actor = models.OneToOneField(Actor, primary_key=True, db_column="id", on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=33)

    class Meta:
        db_table = "parties_operator"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "code"], name="operator_code_unique"),
            models.CheckConstraint(condition=~models.Q(code=""), name="operator_code_present"),
        ]


class SalesPoint(ProjectedModel):
    """Where something is sold. Its id is that of its actor. An unattended one has a service operator of its own."""

    actor = models.OneToOneField(Actor, primary_key=True, db_column="id", on_delete=models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, related_name="+", db_index=False)
    code = models.CharField(max_length=32)
    kind = models.CharField(max_length=16)
    operator = models.OneToOneField(Operator, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "parties_sales_point"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["facility", "code"], name="sales_point_code_unique"),
            models.CheckConstraint(condition=~models.Q(code=""), name="sales_point_code_present"),
            models.CheckConstraint(
                condition=models.Q(kind__in=("till", "reception", "ticket_machine", "web", "partner")),
                name="sales_point_kind_known",
            ),
            # Nothing is sold by nobody (SPEC N7): where no person stands, a service operator answers for the sale.
            models.CheckConstraint(
                condition=~models.Q(kind__in=("ticket_machine", "web")) | models.Q(operator__isnull=False),
                name="sales_point_unattended_has_operator",
            ),
        ]


class Name(models.Model):
    """The display name of an actor (a person's, for operators): house data, erasable, never in the journal."""

    actor = models.OneToOneField(Actor, primary_key=True, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)

    class Meta:
        db_table = "parties_name"


class User(AbstractBaseUser):
    """A log-in: house data. `operator` is whom its operations name; `sales_point`, of a partner's log-in, where it sells.
    Usernames are unique whatever their case."""

    username = models.CharField(max_length=64, unique=True)
    role = models.CharField(max_length=16)
    operator = models.ForeignKey(Operator, null=True, on_delete=models.PROTECT, related_name="+")
    sales_point = models.ForeignKey(SalesPoint, null=True, on_delete=models.PROTECT, related_name="+")
    is_active = models.BooleanField(default=True)

    objects = BaseUserManager()

    USERNAME_FIELD = "username"

    class Meta:
        db_table = "parties_user"
        constraints: ClassVar = [
            models.UniqueConstraint(Lower("username"), name="user_username_unique_in_any_case"),
            models.CheckConstraint(condition=models.Q(role__in=ROLES), name="user_role_known"),
        ]


class Company(models.Model):
    """A company that buys, or (with no tax number) a person: what an invoice needs to say of them. House data."""

    id = models.UUIDField(primary_key=True)
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    tax_number = models.CharField(max_length=20)
    address = models.CharField(max_length=400)

    class Meta:
        db_table = "parties_company"
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(country__regex="^[A-Z]{2}$"), name="company_country_iso_3166"),
            models.CheckConstraint(condition=~models.Q(name=""), name="company_name_present"),
        ]


class Seller(models.Model):
    """The company behind a facility, as its invoices and receipts say it from `since` on. House data; rows are only ever
    added, so that an invoice printed again says what it said."""

    id = models.BigAutoField(primary_key=True)
    facility = models.ForeignKey(Facility, on_delete=models.PROTECT, db_index=False, related_name="+")
    since = models.DateTimeField()
    name = models.CharField(max_length=200)
    country = models.CharField(max_length=2)
    tax_number = models.CharField(max_length=20)
    address = models.CharField(max_length=400)

    class Meta:
        db_table = "parties_seller"
        indexes: ClassVar = [models.Index(fields=["facility", "since"], name="seller_by_facility")]
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(country__regex="^[A-Z]{2}$"), name="seller_country_iso_3166"),
            models.CheckConstraint(condition=~models.Q(name="") & ~models.Q(tax_number=""), name="seller_named"),
        ]


class Customer(models.Model):
    """Somebody who buys or holds a card: house data, erasable; operations name the id alone (SPEC X4).

    `phone` in E.164 (ITU-T): "+48601234567". Once erased, the row is an id and two instants.
    """

    id = models.UUIDField(primary_key=True)
    given_name = models.CharField(max_length=100)
    surname = models.CharField(max_length=100)
    phone = models.CharField(max_length=16)
    email = models.CharField(max_length=254)
    language = models.CharField(max_length=2)
    created_at = models.DateTimeField()
    erased_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "parties_customer"
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(phone="") | models.Q(phone__regex=r"^\+[1-9][0-9]{1,14}$"),
                name="customer_phone_e164",
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at__isnull=False) | ~models.Q(surname="") | ~models.Q(phone=""),
                name="customer_can_be_found",
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at__isnull=True)
                | models.Q(given_name="", surname="", phone="", email="", language=""),
                name="customer_erased_is_nobody",
            ),
        ]


class CustomerKey(models.Model):
    """What a customer is found by (persons.search_keys): the beginning of each is a range of one index."""

    pk = models.CompositePrimaryKey("customer", "key")
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, db_index=False, related_name="+")
    # By bytes: the database's own order of letters would make no ranges of beginnings.
    key = models.CharField(max_length=260, db_collation="C")

    class Meta:
        db_table = "parties_customer_key"
        indexes: ClassVar = [models.Index(fields=["key", "customer"], name="customer_by_key")]


class Look(models.Model):
    """Who looked at, changed, exported or erased the data of which customer, and when. Rows are only ever added.

    `by`: a log-in's name; an erased customer's looks stay, by id.
    """

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.PROTECT, db_index=False, related_name="+")
    by = models.CharField(max_length=64)
    what = models.CharField(max_length=8)
    at = models.DateTimeField()

    class Meta:
        db_table = "parties_look"
        indexes: ClassVar = [models.Index(fields=["customer", "at"], name="look_by_customer")]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(what__in=("found", "read", "saved", "exported", "erased")), name="look_kind_known"
            ),
            models.CheckConstraint(condition=~models.Q(by=""), name="look_by_somebody"),
        ]
