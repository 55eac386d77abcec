-- KEYS[5]: the token.  KEYS[6]: its session's record.  ARGV: shift, horizon, issued_ms, ends_ms, marks, cuts, claims,
-- margin_ms, grace_ms
if not fields[1] then
  return reply(0, 0)
end
keep_horizon()

-- A session has one token; the one that it takes the place of is there for the grace.  The record has its digest.
local digest_length, grace = 64, tonumber(ARGV[9])
local function replace(key)
  if redis.call('PTTL', key) > grace then
    redis.call('PEXPIRE', key, int(grace))
  end
end
local function take_the_place()
  local stands = redis.call('HMGET', KEYS[6], 'issued', 'token')
  if not stands[1] then
    return
  end
  local before = stands[2] and string.sub(KEYS[5], 1, -digest_length - 1) .. stands[2]
  if before and before ~= KEYS[5] then
    -- Two requests at once may come here in the other order.
    if tonumber(redis.call('HGET', before, 'issued') or -1) > tonumber(ARGV[3]) then
      return replace(KEYS[5])
    end
    replace(before)
  end
  redis.call('HSET', KEYS[6], 'token', string.sub(KEYS[5], -digest_length))
end

local left = tonumber(ARGV[4]) - now + tonumber(ARGV[8])
if left > 0 then
  redis.call('HSET', KEYS[5], 'issued', ARGV[3], 'ends', ARGV[4], 'marks', ARGV[5], 'cuts', ARGV[6], 'claims', ARGV[7])
  redis.call('PEXPIRE', KEYS[5], int(left))
  take_the_place()
end
return reply(0, 0)
