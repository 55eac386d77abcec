-- Note over how many shards the keys are spread, unless the data are spread over another number.
-- KEYS[1]: "meta" of the first shard, which exists whatever the number is.  ARGV: the number
local known = redis.call('HGET', KEYS[1], 'shards')
if known and known ~= ARGV[1] then
  return redis.error_reply('SHARDS ' .. known)
end
if not known then
  redis.call('HSET', KEYS[1], 'shards', ARGV[1])
end
return 1
