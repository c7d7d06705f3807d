"""Why the groups are as they are: computed from columns and partition, when asked for."""
