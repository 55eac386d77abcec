-- Keep the claims of an opaque token.  KEYS[5]: the token.  KEYS[6]: its session.  ARGV: shift, horizon, issued_ms,
-- ends_ms, marks, keys of cut-offs, claims, margin_ms, grace_ms
if not fields[1] then
  return reply(0, 0)
end
update_horizon()

-- A session has one token, and its hash the token's digest; the token before is kept for the grace.
local digest_length, grace = 64, tonumber(ARGV[9])
local function drop_after_grace(key)
  if redis.call('PTTL', key) > grace then
    redis.call('PEXPIRE', key, int(grace))
  end
end
local function become_newest()
  local known = redis.call('HMGET', KEYS[6], 'issued', 'token')
  if not known[1] then
    return
  end
  local before = known[2] and string.sub(KEYS[5], 1, -digest_length - 1) .. known[2]
  if before and before ~= KEYS[5] then
    -- Two concurrent requests may arrive here in the other order.
    if tonumber(redis.call('HGET', before, 'issued') or -1) > tonumber(ARGV[3]) then
      return drop_after_grace(KEYS[5])
    end
    drop_after_grace(before)
  end
  redis.call('HSET', KEYS[6], 'token', string.sub(KEYS[5], -digest_length))
end

local left = tonumber(ARGV[4]) - now + tonumber(ARGV[8])
if left > 0 then
  redis.call('HSET', KEYS[5], 'issued', ARGV[3], 'ends', ARGV[4], 'marks', ARGV[5], 'cuts', ARGV[6], 'claims', ARGV[7])
  redis.call('PEXPIRE', KEYS[5], int(left))
  become_newest()
end
return reply(0, 0)
