-- What a view of the shard begins with: the latest instant that a token bears, and up to when entries were forgotten.
keep_horizon()
return reply(stamped, pruned_s)
