-- Store the number of shards over which the keys are spread; refuse it where another number is stored.
-- KEYS[1]: "meta" of the first shard, which exists whatever the number is.  ARGV[1]: the number.
local known = redis.call('HGET', KEYS[1], 'shards')
if known and known ~= ARGV[1] then
  return redis.error_reply('SHARDS ' .. known)
end
if not known then
  redis.call('HSET', KEYS[1], 'shards', ARGV[1])
end
return 1
