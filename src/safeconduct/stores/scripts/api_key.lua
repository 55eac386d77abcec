-- Prepended to every script on API keys.  KEYS[5]: the keys of their owner, a hash.  Of each key it has two fields, short
-- enough for the compact form of a hash: <number> → SHA-256 of the secret (32 bytes), the owner's revocation key (17),
-- when it was made in milliseconds (6), and when it expires and was last used in seconds (5 and 4, 0 for never); and
-- <number>: → subject, name, the number of scopes, scopes and roles, with a NUL between two.
local function number_in(record, first, last)
  local number = 0
  for i = first, last do
    number = number * 256 + string.byte(record, i)
  end
  return number
end

local function octets_of(number, length)
  local octets = ''
  for _ = 1, length do
    octets = string.char(number % 256) .. octets
    number = math.floor(number / 256)
  end
  return octets
end

-- The latest cut-off of the owner and of everything.  That of everything is kept for ever in "meta" too, because keys
-- outlive the entry in the set.
local function latest_cut(owner, everything)
  return math.max(tonumber(redis.call('ZSCORE', cut, owner) or -1), tonumber(redis.call('ZSCORE', cut, everything) or -1),
    tonumber(redis.call('HGET', meta, 'keys:' .. everything) or -1))
end

local function has_ended(record, everything)
  local created = number_in(record, 50, 55)
  return created <= latest_cut(string.sub(record, 33, 49), everything) or is_unknown(created)
end

-- The fields of KEYS[5], without those of keys that have ended or expired, which are deleted if the script writes.
local function living(everything, is_writing)
  local flat, found = redis.call('HGETALL', KEYS[5]), {}
  for i = 1, #flat, 2 do
    local number, record = flat[i], flat[i + 1]
    if #record == 64 and string.sub(number, -1) ~= ':' then
      if has_ended(record, everything) or number_in(record, 56, 60) * 1000 <= now then
        if is_writing then
          redis.call('HDEL', KEYS[5], number, number .. ':')
        end
      else
        found[#found + 1] = number
        found[#found + 1] = record
      end
    end
  end
  return found
end
