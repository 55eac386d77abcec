-- Take the lease for writing lost revocations to a shard again.  KEYS[1]: "meta" of the shard.
-- ARGV: shift, how long it lasts in milliseconds.  Returns 0 if another process has it.
local left = tonumber(redis.call('HGET', KEYS[1], 'lease') or 0) - now
-- The clock may have been set back.
if left > 0 and left <= tonumber(ARGV[2]) then
  return 0
end
redis.call('HSET', KEYS[1], 'lease', int(now + tonumber(ARGV[2])))
return 1
