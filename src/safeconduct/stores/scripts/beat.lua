-- Show that the server takes writes: note when it did, if the last time is long ago.
-- KEYS[1]: "meta" of a shard.  ARGV: shift, how long ago in milliseconds
-- Returns how long ago it did.  The clock may have been set back.
local epoch, beat = unpack(redis.call('HMGET', KEYS[1], 'epoch', 'beat'))
beat = tonumber(beat or 0)
if math.abs(now - beat) >= tonumber(ARGV[2]) and epoch then
  redis.call('HSET', KEYS[1], 'beat', int(now))
  beat = now
end
return math.abs(now - beat)
