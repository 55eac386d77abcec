-- What a view of the shard begins with: the latest instant that a token bears, and up to when entries were forgotten.
if not fields[1] then
  return reply(0, 0)
end
update_horizon()
return reply(last_issued, pruned_s)
