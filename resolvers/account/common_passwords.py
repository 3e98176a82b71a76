"""What stands in passwords that are guessed first: words, rows of keys, numbers. For `resolvers.account.passwords`."""

_WORDS = """
password passwort passwords passwords kennwort motdepasse motdepass passw0rd p@ssword p@ssw0rd pa55word pass
forecourt demo portal login admin administrator administration root user guest gast test tester default changeme
change welcome willkommen bienvenue bonjour hallo hello letmein secret geheim secreto trustno1 access master
qwertz qwerty qwertzuiop qwertyuiop azerty azertyuiop asdf asdfgh asdfghjkl yxcvbnm zxcvbnm wxcvbn qazwsx wsxedc
1q2w3e 1q2w3e4r 1qaz 2wsx 3edc q1w2e3 q1w2e3r4 zaq1 xsw2 abcd abcde abcdef abcdefg abcdefgh abc123 aaaa
iloveyou ichliebedich jetaime loveyou love liebe amour schatz princess prinzessin princesse sunshine sonnenschein
soleil monkey dragon football fussball fußball baseball basketball soccer hockey superman batman pokemon starwars
michael michelle daniel thomas andreas stefan martin sabine nicole jessica ashley jordan hunter shadow
summer winter spring autumn sommer herbst fruehling frühling printemps automne hiver
january february march april june july august september october november december januar februar märz mai juni juli
oktober dezember monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag
freitag samstag sonntag computer internet google facebook samsung microsoft windows linux iphone
0123 1234 12345 123456 1234567 12345678 123456789 1234567890 0987 09876 987654 9876543210 4321 54321 654321
111 1111 000 0000 112233 121212 123123 123321 147258 147258369 159753 159357 777777 888888 999999 666666
1990 1991 1992 1993 1994 1995 1996 1997 1998 1999 2000 2010 2015 2018 2019 2020 2021 2022 2023 2024 2025 2026 2027
"""

COMMON = frozenset(_WORDS.split())
"""Compact on purpose: a password is refused when next to nothing is left of it without these."""
