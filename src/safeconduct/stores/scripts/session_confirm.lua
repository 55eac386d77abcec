-- Write something that changes nothing: some servers wait for the replicas only after a write of the same connection,
-- and then the replicas have all earlier changes too.
if not fields[1] then
  return reply('gone', 0)
end
update_horizon()
redis.call('HSET', meta, 'beat', int(now))
return reply('gone', 0)
