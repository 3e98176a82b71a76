"""Who may: the vocabulary of permissions, the policy of roles, and decisions. Pure, without input or output."""
