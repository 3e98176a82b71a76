"""Signing in and out."""

from gateway.demo import DEMO_PASSWORD
from tests.every_mutation.entry import ANYBODY, Entry, Row

PURCHASE = "purchase@helios.example"

ENTRIES = {
    "signIn": Entry(
        by=ANYBODY,
        input={"loginName": PURCHASE, "password": DEMO_PASSWORD},
        answer="accessToken refreshToken errors { code }",
        secrets=(DEMO_PASSWORD, ".accessToken", ".refreshToken"),
        rows=(Row("session.begin", "ANY", PURCHASE, after={"device": "ANY"}),),
    ),
    "signOut": Entry(by=PURCHASE, input={}, rows=(Row("session.end", "ANY", PURCHASE),)),
}
