"""What somebody sends who means harm, each with the status and the code it is answered with."""

import gzip
import json
from dataclasses import dataclass, field

JSON = {"content-type": "application/json", "accept": "application/graphql-response+json"}
VALID = b'{"query": "{ viewer { id } }"}'


@dataclass(frozen=True)
class Attack:
    """A request, and how it is answered; `code` is empty for one that is answered with data."""

    name: str
    body: bytes
    status: int
    code: str
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = ""

    def __str__(self) -> str:
        return self.name


def query(text: str, **variables: object) -> bytes:
    """The body of a request."""
    return json.dumps({"query": text, "variables": variables}).encode()


def _chain(levels: int, *, spreads: int = 1, cycle: bool = False) -> str:
    last = "...F0" if cycle else "__typename"
    return "{ ...F0 }" + "".join(
        f" fragment F{level} on Query {{ {f'...F{level + 1} ' * spreads if level + 1 < levels else last} }}"
        for level in range(levels)
    )


def _many_times(times: int, field: str, operation: str = "") -> str:
    return f"{operation}{{ {' '.join(f'a{number}: {field}' for number in range(times))} }}"


def _in_a_circle(rounds: int, leaves: str) -> str:
    """Administrators of the organization of administrators, and so on."""
    for _ in range(rounds):
        leaves = f"administrators {{ organization {{ {leaves} }} }}"
    return f"{{ viewer {{ defaultOrganization {{ {leaves} }} }} }}"


def _deep(rounds: int, last: str) -> str:
    """A query that goes round in a circle, with pages of twenty: three levels, and three more each round."""
    for _ in range(rounds):
        last = f"organization {{ members(first: 20) {{ nodes {{ {last} }} }} }}"
    return f"{{ viewer {{ memberships(first: 20) {{ nodes {{ {last} }} }} }} }}"


_PAGES = "organization { members(first: 100) { nodes { "
_TYPES = "{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }"
_INTROSPECTIONS = (
    "{ __schema { types { name fields { name type { name ofType { name } } args { name type { name } } } "
    "inputFields { name } enumValues { name } interfaces { name } possibleTypes { name } } } }"
)
_MANY = _many_times(10_000, "viewer { id }")
_PREVIEW = "query($input: PreviewAccessInput!) { previewAccess(input: $input) { permissionsAdded { code } } }"
_INVITE = "mutation($input: InviteMembersInput!) { inviteMembers(input: $input) { errors { code } } }"
_KINDS = (
    "query($status: [RequestStatus!], $audience: AccountKind, $after: String) "
    "{ organizationChangeRequests(status: $status, after: $after) { totalCount } "
    "applicationCatalogue(audience: $audience) { key } }"
)
_SIGN_IN = 'signIn(input: {loginName: "somebody", password: "something long"}) { errors { code } }'
_SIGN_IN_WITH = (
    'mutation($password: String!) { signIn(input: {loginName: "purchase@helios.example", password: $password}) '
    "{ errors { code } } }"
)
_SEARCH = (
    "query($search: String!) { viewer { memberships { nodes { organization { members(search: $search) "
    "{ totalCount } } } } } }"
)
_MARKS = "\u0301\u0323"
_INVITEE = {"email": "a@b.example", "firstName": _MARKS * 5_000, "roleKeys": []}
_SET = 'resetPassword(input: {token: "a", newPassword: "something long"}) { errors { code } }'
_SEARCHED = " ".join(
    f'a{number}: members(first: 1, search: "{chr(97 + number)}", roleKeys: ["x"]) {{ totalCount }}'
    for number in range(15)
)
_ALIASED_ADDRESSES = " ".join(f"a{number}: shippingAddress {{ city postalCode street }}" for number in range(14))
_ROUND = "fields { type { ...R# ofType { ...R# ofType { ...R# } } } }"
_ROUND_THE_SCHEMA = " ".join(
    f"fragment R{level} on __Type {{ {_ROUND.replace('#', str(level + 1))} }}" for level in range(6)
)
_POSSIBLE = (
    "possibleTypes { name description fields { name description args { name description type { name ofType { name "
    "enumValues { name description } } } } type { name kind description ofType { name kind description "
    "enumValues { name description } } enumValues { name description } } } }"
)
_VARIABLES = "query($first: Int!, $ids: [ID!]!, $on: Boolean!) { viewer { memberships(first: $first) { totalCount } } "
_POSITIONS = _VARIABLES + "nodes(ids: $ids) { id } roles @include(if: $on) { key } }"

INVALID, PARSE = "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"
TOKENS, RECURSION, COST = "MAX_TOKENS_LIMIT", "MAX_RECURSION_LIMIT", "COST_ESTIMATED_TOO_EXPENSIVE"
TOO_MANY_BYTES, TOO_LONG = "MAX_DOCUMENT_BYTES_LIMIT", "MAX_TEXT_LIMIT"
BAD, INPUT, LARGE, MEDIA = "BAD_REQUEST", "BAD_USER_INPUT", "REQUEST_TOO_LARGE", "UNSUPPORTED_MEDIA_TYPE"

ATTACKS = [
    # Documents.
    Attack("a chain of 25 fragments", query(_chain(25)), 200, ""),
    Attack("a chain of 150 fragments", query(_chain(150)), 400, RECURSION),
    Attack("fragment diamonds 25 levels deep", query(_chain(25, spreads=2)), 400, "MAX_ROOT_FIELDS_LIMIT"),
    Attack("fragment diamonds 90 levels deep", query(_chain(90, spreads=4)), 400, "MAX_ROOT_FIELDS_LIMIT"),
    Attack("a cycle of fragments", query(_chain(5, cycle=True)), 400, INVALID),
    Attack("a fragment in itself", query("{ ...F } fragment F on Query { ...F ...F ...F }"), 400, INVALID),
    Attack("10,000 aliases", query(_MANY), 413, TOO_MANY_BYTES),
    Attack("1,000 aliases in few bytes", query("{" + "a:roles{key}" * 300 + "}"), 400, "MAX_ALIASES_LIMIT"),
    Attack("3,000 repeated fields", query("{" + "viewer { id } " * 3_000 + "}"), 400, TOKENS),
    Attack("490 repeated fields", query("{" + "viewer { id } " * 490 + "}"), 400, "MAX_ROOT_FIELDS_LIMIT"),
    Attack("480 repeated fields below the root", query("{viewer{" + "address{city}" * 480 + "}}"), 200, ""),
    Attack("20,000 unknown directives", query("{ viewer " + "@a" * 20_000 + "{ id } }"), 400, TOKENS),
    Attack("900 unknown directives", query("{ viewer " + "@a" * 900 + "{ id } }"), 400, "MAX_DIRECTIVES_LIMIT"),
    Attack("braces nested 50,000 deep", query("{" * 50_000), 400, TOKENS),
    Attack("fields nested 20,000 deep", query("{a" * 20_000), 400, TOKENS),
    Attack("braces nested 900 deep", query("{a" * 900), 400, RECURSION),
    Attack("lists nested 50,000 deep", query("{nodes(ids:" + "[" * 50_000), 400, TOKENS),
    Attack("lists nested 900 deep", query("{nodes(ids:" + "[" * 900 + "]" * 900 + "){id}}"), 400, RECURSION),
    Attack("objects nested 50,000 deep", query("{viewer(a:" + "{" * 50_000), 400, TOKENS),
    Attack("objects with names, nested 50,000 deep", query("{viewer(a:" + "{a:" * 50_000), 413, TOO_MANY_BYTES),
    Attack("objects nested 500 deep", query("{viewer(a:" + "{a:" * 500), 400, RECURSION),
    Attack("types nested 900 deep", query("query($a:" + "[" * 900 + "Int" + "]" * 900 + "){id}"), 400, RECURSION),
    Attack("depth 12 with pages of twenty", query(_deep(2, "organization { administrators { status } }")), 400, COST),
    Attack("depth 30", query(_deep(9, "status")), 400, "MAX_DEPTH_LIMIT"),
    Attack("pages multiplied", query("{viewer{memberships{nodes{" + _PAGES + _PAGES + "id" + "}" * 10), 400, COST),
    Attack(
        "pages multiplied by a variable",
        query(
            "query($n:Int!){viewer{memberships(first:$n){nodes{organization{members(first:$n){nodes{id}}}}}}}", n=100
        ),
        400,
        COST,
    ),
    Attack("a page of a thousand million", query("{viewer{memberships(first:1000000000){totalCount}}}"), 200, ""),
    # Lists without a page, within one another.
    Attack("administrators five levels deep", query(_in_a_circle(4, "administrators { id status }")), 400, COST),
    Attack(
        "administrators four levels deep, with what most may not see",
        query(_in_a_circle(3, "administrators { roleGrants { id } directGrants { id } user { email } }")),
        400,
        COST,
    ),
    Attack("address books within administrators", query(_in_a_circle(4, "addressBook { id }")), 400, COST),
    Attack("introspection within introspection", query(_TYPES), 400, INVALID),
    Attack("introspection by aliases", query(_INTROSPECTIONS.replace("types", "types a: types " * 1)), 400, INVALID),
    Attack(
        "introspection many times",
        query(_many_times(15, _INTROSPECTIONS[2:-2])),
        400,
        COST,
    ),
    Attack("a string of 5 MB", query('{ node(id: "' + "x" * 5_000_000 + '") { id } }'), 413, LARGE),
    Attack("a string of 900 KB", query('{ node(id: "' + "x" * 900_000 + '") { id } }'), 413, TOO_MANY_BYTES),
    Attack("a string of 60 KB", query('{ node(id: "' + "\\n" * 30_000 + '") { id } }'), 400, TOO_LONG),
    Attack("a password of 900 KB", query(_SIGN_IN_WITH, password="x" * 900_000), 400, TOO_LONG),
    Attack("a password of combining marks", query(_SIGN_IN_WITH, password=_MARKS * 60_000), 400, TOO_LONG),
    Attack("a search of combining marks", query(_SEARCH, search=_MARKS * 60_000), 400, TOO_LONG),
    Attack("a password of combining marks at the limit", query(_SIGN_IN_WITH, password=_MARKS * 5_000), 200, ""),
    Attack(
        "ten names of combining marks at the limit",
        query(_INVITE, input={"organizationId": "a", "idempotencyKey": "a", "invitees": [_INVITEE] * 10}),
        200,
        "",
    ),
    Attack("5 MB of blanks", query("{ viewer { id } }" + " " * 5_000_000), 413, LARGE),
    Attack("60 KB of blanks", query("{ viewer { id } }" + " \n" * 30_000), 200, ""),
    Attack("5 MB of comments", query("{ viewer { id } }" + "#\n" * 2_500_000), 413, LARGE),
    Attack("60 KB of comments", query("{ viewer { id } }" + "#\n" * 30_000), 400, TOKENS),
    Attack("quotes that do not close", query('"' * 60_000), 400, TOKENS),
    Attack("a block string that does not close", query('{ node(id: """' + '\\"""' * 10_000), 400, TOO_LONG),
    Attack("a short block string that does not close", query('{ node(id: """' + '\\"""' * 2_000), 400, PARSE),
    Attack(
        "an integer of 10,000 digits",
        query("{viewer{memberships(first:" + "1" * 10_000 + "){totalCount}}}"),
        400,
        INVALID,
    ),
    Attack("a name of 60,000 letters", query("{" + "a" * 60_000 + "}"), 400, TOO_LONG),
    Attack("an id of 60,000 digits", query("{node(id:" + "9" * 60_000 + "){id}}"), 400, TOO_LONG),
    Attack("half a surrogate, escaped in a string", query('{ node(id: "\\ud800") { id } }'), 400, PARSE),
    Attack("a surrogate of 9 digits in a string", query('{ node(id: "\\u{00000d800}") { id } }'), 400, PARSE),
    Attack(
        "values of the wrong type in every position",
        query('{viewer{memberships(first:"x",after:1){totalCount}}nodes(ids:{a:1}){id}roles@skip(if:1.5){key}}'),
        400,
        INVALID,
    ),
    Attack(
        "values of the wrong type within an input",
        query(
            '{previewAccess(input:{membershipId:[[]],roleKeys:1,permissions:"NOBODY",ends:[1,{a:2}]}){errors{code}}}'
        ),
        400,
        INVALID,
    ),
    Attack("fifteen sign-ins by aliases", query(_many_times(15, _SIGN_IN, "mutation ")), 400, COST),
    # What is asked often for little, or costs a back end more than its answer.
    Attack("fifteen passwords set by aliases", query(_many_times(15, _SET, "mutation ")), 400, COST),
    Attack(
        "searches in each of many organizations",
        query("{viewer{memberships(first:100){nodes{organization{" + _SEARCHED + "}}}}}"),
        400,
        COST,
    ),
    Attack(
        "what costs nothing, fourteen times in each of many orders",
        query(
            "{viewer{memberships(first:10){nodes{organization{orders(first:100){nodes{" + _ALIASED_ADDRESSES + "}}}}}}}"
        ),
        400,
        COST,
    ),
    Attack(
        "cursors of pages multiplied",
        query("{viewer{memberships(first:100){nodes{organization{members(first:100){edges{cursor}}}}}}}"),
        400,
        COST,
    ),
    Attack(
        "introspection round in circles",
        query("{ __schema { types { ...R0 } } } " + _ROUND_THE_SCHEMA + " fragment R6 on __Type { name }"),
        400,
        "MAX_DEPTH_LIMIT",
    ),
    Attack(
        "everything about all possible types",
        query("{ __schema { " + " ".join(f"a{n}: types {{ {_POSSIBLE} }}" for n in range(15)) + " } }"),
        400,
        COST,
    ),
    Attack(
        "a type by a variable, with all that its possible types have",
        query("query($n: String!) " + _many_times(15, "__type(name: $n) { " + _POSSIBLE + " }"), n="Node"),
        400,
        COST,
    ),
    Attack(
        "4,000 entries, twice",
        query("query($ids: [ID!]!) { a: nodes(ids: $ids) { id } b: nodes(ids: $ids) { id } }", ids=["a"] * 4_000),
        400,
        COST,
    ),
    Attack("an empty document", query(""), 400, PARSE),
    Attack("a schema instead of a query", query("type Query { a: Int }"), 400, INVALID),
    Attack("a subscription", query("subscription { viewer { id } }"), 400, INVALID),
    # Variables.
    Attack("a variable of the wrong type", query(_POSITIONS, first="x", ids=1.5, on="yes"), 400, INPUT),
    Attack("an object for each variable", query(_POSITIONS, first={}, ids={"a": 1}, on={}), 400, INPUT),
    Attack("a list for each variable", query(_POSITIONS, first=[1], ids=[[["a"]]], on=[True]), 400, INPUT),
    Attack("null for each variable", query(_POSITIONS, first=None, ids=None, on=None), 400, INPUT),
    Attack("an integer too large", query(_POSITIONS, first=2**31, ids=[], on=True), 400, INPUT),
    Attack("numbers for enums and cursors", query(_KINDS, status=1, audience=[2], after=3), 400, INPUT),
    Attack("names that no enum has", query(_KINDS, status=["x" * 5_000], audience="", after={}), 400, INPUT),
    Attack("a list within a list of enums", query(_KINDS, status=[["PENDING"]], audience=True, after=[]), 400, INPUT),
    Attack("text for an input", query(_PREVIEW, input="x"), 400, INPUT),
    Attack("a list for an input", query(_PREVIEW, input=[{}]), 400, INPUT),
    Attack("null for an input", query(_PREVIEW, input=None), 400, INPUT),
    Attack(
        "wrong types in every position of an input",
        query(
            _PREVIEW,
            input={
                "membershipId": {},
                "expectedVersion": "1",
                "roleKeys": [1],
                "permissions": [["NOBODY"], 1, {}],
                "validUntil": "x" * 5_000,
                "ends": [{"roleKey": [], "permission": True, "validUntil": 1e300}],
                "reason": False,
            },
        ),
        400,
        INPUT,
    ),
    Attack(
        "wrong types three levels within an input",
        query(
            _INVITE,
            input={
                "organizationId": 1.5,
                "idempotencyKey": None,
                "invitees": [{"email": {}, "roleKeys": {"a": 1}, "permissions": ["x"], "locale": 1}] * 50,
            },
        ),
        400,
        INPUT,
    ),
    Attack(
        "1,000 names that an input does not have",
        query(_PREVIEW, input={"membershipId": "a"} | {f"roleKey{number}": 1 for number in range(1_000)}),
        400,
        INPUT,
    ),
    Attack("4,000 wrong entries", query(_POSITIONS, first=1, ids=[1.5] * 4_000, on=True), 400, INPUT),
    Attack("100,000 entries", query(_POSITIONS, first=1, ids=["a"] * 100_000, on=True), 400, BAD),
    # JSON.
    Attack("null", b"null", 400, BAD),
    Attack("text", b'"x"', 400, BAD),
    Attack("a number", b"1", 400, BAD),
    Attack("an empty list", b"[]", 400, "BATCHING_NOT_ENABLED"),
    Attack("nothing", b"", 400, BAD),
    Attack("no query", b"{}", 400, BAD),
    Attack("a number for a query", b'{"query": 1}', 400, BAD),
    Attack("JSON nested 50,000 deep", b"[" * 50_000 + b"]" * 50_000, 400, BAD),
    Attack("JSON objects nested 50,000 deep", b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400, BAD),
    Attack("JSON that only begins, 50,000 deep", VALID[:-1] + b', "variables": ' + b'{"a":[' * 50_000, 400, BAD),
    Attack("JSON nested in variables", VALID[:-1] + b', "variables": ' + b'{"a":' * 500 + b"1" + b"}" * 501, 400, BAD),
    Attack("300,000 lists", VALID[:-1] + b', "variables": {"a": [' + b"[]," * 300_000 + b"[]]}}", 400, BAD),
    Attack(
        "an integer of 10,000 digits in JSON", VALID[:-1] + b', "variables": {"a": ' + b"1" * 10_000 + b"}}", 400, BAD
    ),
    Attack(
        "900 KB of digits, a letter after each 99",
        VALID[:-1] + b', "variables": {"a": "' + (b"1" * 99 + b"a") * 9_000 + b'"}}',
        400,
        TOO_LONG,
    ),
    Attack("900 KB of escapes", VALID[:-1] + b', "variables": {"a": "' + b"\\n" * 450_000 + b'"}}', 400, TOO_LONG),
    Attack("NaN", b'{"query": "{ viewer { id } }", "variables": {"a": NaN}}', 400, BAD),
    Attack("infinity", b'{"query": "{ viewer { id } }", "variables": {"a": 1e999}}', 400, BAD),
    Attack("half a surrogate", b'{"query": "{ viewer { id } }", "operationName": "\\ud800"}', 400, BAD),
    Attack("half a surrogate in a query", b'{"query": "{ viewer { id } } #\\udfff"}', 400, BAD),
    Attack("half a surrogate in a variable", VALID[:-1] + b', "variables": {"a": "\\ud83d"}}', 400, BAD),
    Attack("half a surrogate in a variable's name", VALID[:-1] + b', "variables": {"\\udc00": 1}}', 400, BAD),
    Attack("half a surrogate in bytes", b'{"query": "{ viewer { id } } #\xed\xa0\x80"}', 400, BAD),
    Attack("bytes that are no UTF-8", b'{"query": "{ viewer { id } } #\xff\xfe"}', 400, BAD),
    Attack("a name twice", b'{"query": 1, "query": "{ viewer { id } }"}', 200, ""),
    Attack("a batch of 100", b"[" + b",".join([VALID] * 100) + b"]", 400, "BATCHING_NOT_ENABLED"),
    # HTTP.
    Attack("gzip", gzip.compress(VALID), 415, MEDIA, {"content-encoding": "gzip"}),
    Attack("a gzip of 50 MB", gzip.compress(b" " * 50_000_000, 1), 415, MEDIA, {"content-encoding": "gzip"}),
    Attack("an encoding nobody knows", VALID, 415, MEDIA, {"content-encoding": "gzip,x" * 1_000}),
    Attack("another charset", VALID, 415, MEDIA, {"content-type": "application/json; charset=utf-16"}),
    Attack("a form", b"query=%7Bviewer%7Bid%7D%7D", 415, MEDIA, {"content-type": "application/x-www-form-urlencoded"}),
    Attack("a form of another site", VALID, 415, MEDIA, {"content-type": "text/plain", "cookie": "a=b"}),
    Attack("a document as it is", b"{ viewer { id } }", 415, MEDIA, {"content-type": "application/graphql"}),
    Attack("a form with files", b"--x--", 415, MEDIA, {"content-type": "multipart/form-data; boundary=x"}),
    Attack("no content type anybody knows", VALID, 415, MEDIA, {"content-type": "x" * 5_000}),
    Attack("nothing acceptable", VALID, 406, "NOT_ACCEPTABLE", {"accept": "text/html"}),
    Attack("3,000 media types", VALID, 406, "NOT_ACCEPTABLE", {"accept": "a/b;q=0.1," * 3_000}),
    Attack("a token of 20,000 letters", VALID, 401, "UNAUTHENTICATED", {"authorization": "Bearer " + "a.b." * 5_000}),
    Attack(
        "a cookie of 30,000 backslashes",
        query("{ __typename }"),
        200,
        "",
        {"cookie": 'other="' + "\\" * 30_000 + '"'},
    ),
    Attack("an upgrade to WebSockets", VALID, 400, BAD, {"connection": "upgrade", "upgrade": "websocket"}),
    Attack(
        "a mutation by GET",
        b"",
        405,
        "METHOD_NOT_ALLOWED",
        method="GET",
        path="?query=mutation{signOut(input:{}){accepted}}",
    ),
    Attack(
        "a GET of another site", b"", 403, "CSRF_ERROR", {"sec-fetch-site": "cross-site"}, "GET", "?query={viewer{id}}"
    ),
    Attack("a GET with nothing", b"", 400, BAD, method="GET"),
    Attack("variables that are no JSON by GET", b"", 400, BAD, method="GET", path="?query={viewer{id}}&variables={"),
    Attack("bytes that are no UTF-8 by GET", b"", 400, PARSE, method="GET", path="?query=%ff%fe"),
    Attack("a surrogate by GET", b"", 400, PARSE, method="GET", path="?query=%ed%a0%80"),
    Attack("PUT", VALID, 405, "METHOD_NOT_ALLOWED", method="PUT"),
    Attack("DELETE", b"", 405, "METHOD_NOT_ALLOWED", method="DELETE"),
    Attack("a method of file servers", b"", 405, "METHOD_NOT_ALLOWED", method="PROPFIND"),
]

MOST_IN_A_BATCH = 10


def batch(*bodies: bytes) -> bytes:
    """The body of a request with several operations."""
    return b"[" + b",".join(bodies) + b"]"


def _different(text: str) -> bytes:
    """A full batch of one document, written differently each time, so that none is known from the one before."""
    return batch(*(query(text + " " * number) for number in range(MOST_IN_A_BATCH)))


BATCHES = [
    Attack("a batch of 100 where ten are allowed", batch(*[VALID] * 100), 422, "BATCH_LIMIT_EXCEEDED"),
    Attack("a batch of 20,000", batch(*[b"1"] * 20_000), 400, BAD),
    Attack("a batch of nothing", b"[]", 400, BAD),
    Attack("a batch of batches", batch(batch(VALID)), 400, BAD),
    Attack("a batch of nulls", batch(*[b"null"] * 10), 400, BAD),
    Attack("a batch of one that is no operation", batch(VALID, b"1"), 400, BAD),
    Attack("a batch of ten", batch(*[VALID] * 10), 200, ""),
    Attack("a batch of documents at the limits", _different("{viewer{" + "address{city}" * 480 + "}}"), 400, TOKENS),
    Attack("a batch of many tokens", _different("{viewer{" + "address{city}" * 300 + "}}"), 400, TOKENS),
    Attack("a batch of documents as large as allowed", _different("{viewer{" + "address{city}" * 48 + "}}"), 200, ""),
    Attack("a batch of invalid documents", _different("{viewer{" + "a b c d " * 45 + "}}"), 200, INVALID),
    Attack("a batch of deep documents", _different("{" * 101), 200, RECURSION),
    Attack("a batch of pages", _different(_deep(1, "status user { id }")), 400, COST),
]
"""What is sent where batches are allowed, of `MOST_IN_A_BATCH` operations."""
