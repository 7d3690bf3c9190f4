using System.Diagnostics.CodeAnalysis;
using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Lanyard.Wire.Packets;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>
/// Queues pending identity checks within budgets. Checks for this node's own needs come first. Strangers share one budget, limited by source prefix. When it is
/// exhausted, a stranger is challenged: the node does the cheap half of the check, answers the HELLO, and sends an ECHO. The OK proves that the source address was
/// not forged, and the rest of the check then counts against a second budget that forged addresses cannot spend. HELLOs relayed by roots have a separate budget.
/// </summary>
internal sealed class IdentityChecks
{
    private const int MaxOwn = 512;
    private const int MaxStrangers = 64;
    private const int PrefixBurst = 16;
    private const long PrefixIntervalMs = 125;
    private const int RelayedBurst = 32;
    private const int MsPerSecond = 1_000;
    private const int MaxAgreements = 256;

    // A key agreement costs a fiftieth of a whole check.
    private const int AgreementsPerCheck = 20;

    // Peers known before a restart need a key agreement but no hash.
    private const int SavedBurst = 4_096;
    private const int SavedPerSecond = 4_000;

    private readonly NodeContext _context;
    private readonly Whois _whois;
    private readonly WaitingPackets _waiting;
    private readonly PrefixLimiter _prefixes;
    private readonly PrefixLimiter _provenPrefixes;
    private readonly Challenges _challenges;
    private readonly Queue<IdentityCheck> _own = new();
    private readonly Queue<IdentityCheck> _strangers = new();
    private readonly Queue<IdentityCheck> _agreements = new();
    private readonly HashSet<Identity> _pending = [];
    private TokenBucket _direct;
    private TokenBucket _proven;
    private TokenBucket _relayed;
    private TokenBucket _agreed;
    private TokenBucket _saved = new(SavedBurst, MsPerSecond, SavedPerSecond);

    public IdentityChecks(NodeContext context, Challenges challenges, Whois whois, WaitingPackets waiting)
    {
        _context = context;
        _challenges = challenges;
        _whois = whois;
        _waiting = waiting;
        _prefixes = new PrefixLimiter(PrefixBurst, PrefixIntervalMs, context.Secrets.TableKey);
        _provenPrefixes = new PrefixLimiter(PrefixBurst, PrefixIntervalMs, context.Secrets.TableKey);
        var perSecond = Math.Max(context.Options.MaxIdentityChecksPerSecond, 1);
        var burst = Math.Max(perSecond, PrefixBurst);
        _direct = new TokenBucket(burst, MsPerSecond, perSecond);
        _proven = new TokenBucket(burst, MsPerSecond, perSecond);
        _relayed = new TokenBucket(RelayedBurst, MsPerSecond, Math.Max(perSecond / 2, 1));
        _agreed = new TokenBucket(burst * AgreementsPerCheck, MsPerSecond, perSecond * AgreementsPerCheck);
    }

    /// <summary>Raised for each identity that is valid, with the time in milliseconds since 1970.</summary>
    public event Action<long, IdentityCheck>? Passed;

    public bool IsEmpty => _own.Count == 0 && _strangers.Count == 0 && _agreements.Count == 0;

    /// <summary>Whether a check of this identity is queued or running.</summary>
    public bool IsPending(Identity identity) => _pending.Contains(identity);

    /// <summary>Queues the check of a HELLO's identity. Returns false if a budget or queue is exhausted.</summary>
    public bool TryAddHello(long nowMs, Identity identity, PeerState? saved, bool isRelayed, int localSocket, in InetEndpoint endpoint, ReadOnlySpan<byte> packet)
    {
        IdentityCheck? check = null;
        var queue = _own;
        if (saved is not null)
        {
            if (_saved.TryTake(nowMs))
                check = new IdentityCheck(this, _context.Identity, identity, validate: null) { Saved = saved };
        }
        else if (isRelayed)
        {
            queue = _strangers;
            if (_relayed.TryTake(nowMs))
                check = new IdentityCheck(this, _context.Identity, identity, _context.Options.ValidateIdentity);
        }
        else if (_challenges.TryRepeat(nowMs, identity, endpoint))
        {
            return true;
        }
        else if (_prefixes.TryTake(nowMs, endpoint.Address) && (_whois.IsWanted(identity.Address) || _direct.TryTake(nowMs)))
        {
            // The sender of a wanted address may be an impostor: the prefix budget still applies.
            queue = _whois.IsWanted(identity.Address) ? _own : _strangers;
            check = new IdentityCheck(this, _context.Identity, identity, _context.Options.ValidateIdentity);
        }
        else if (_agreed.TryTake(nowMs))
        {
            queue = _agreements;
            check = new IdentityCheck(this, _context.Identity, identity, validate: null) { IsChallenge = true };
        }

        return check is not null && TryAdd(queue, check.WithHello(localSocket, endpoint, packet));
    }

    /// <summary>Queues the check of an identity from a root's WHOIS answer.</summary>
    public void AddTold(Identity identity, bool isWanted)
    {
        if (!_pending.Contains(identity)
            && !TryAdd(isWanted ? _own : _strangers, new IdentityCheck(this, _context.Identity, identity, _context.Options.ValidateIdentity)))
            _context.Counters.Drop(DropReason.RateLimited);
    }

    /// <summary>Queues the key agreement with a peer known before a restart, after a packet from it arrived.</summary>
    public void AddSaved(long nowMs, PeerState saved)
    {
        if (!_pending.Contains(saved.Identity) && _saved.TryTake(nowMs))
            TryAdd(_own, new IdentityCheck(this, _context.Identity, saved.Identity, validate: null) { Saved = saved });
    }

    /// <summary>Handles a packet from an unknown sender if it answers a challenge. Returns false if it does not.</summary>
    public bool TryReceiveAnswer(long nowMs, int localSocket, in InetEndpoint endpoint, Span<byte> bytes, PacketView packet)
    {
        if (!_challenges.TryAnswer(nowMs, localSocket, endpoint, bytes, packet, out var candidate))
            return false;
        if (!_pending.Contains(candidate.Identity) && _provenPrefixes.TryTake(nowMs, endpoint.Address) && _proven.TryTake(nowMs)
            && TryAdd(_own, new IdentityCheck(this, _context.Identity, candidate.Identity, _context.Options.ValidateIdentity, candidate.Key) { Candidate = candidate }))
            _waiting.Add(nowMs, candidate.Address, localSocket, endpoint, bytes, candidate.Key);
        else
            _context.Counters.Drop(DropReason.RateLimited);
        return true;
    }

    /// <summary>Whether a challenge to this node at this endpoint is pending.</summary>
    public bool IsChallenged(NodeAddress address, in InetEndpoint endpoint) => _challenges.Contains(address, endpoint);

    public bool TryTake([NotNullWhen(true)] out NodeWork? work)
    {
        var found = _own.TryDequeue(out var check) || _agreements.TryDequeue(out check) || _strangers.TryDequeue(out check);
        work = check;
        return found;
    }

    public void Complete(long nowMs, IdentityCheck check)
    {
        _pending.Remove(check.Identity);
        switch (check.Outcome)
        {
            case IdentityCheckOutcome.Valid:
                Passed?.Invoke(nowMs, check);
                break;
            case IdentityCheckOutcome.InvalidAddress:
                _context.Counters.Drop(DropReason.InvalidIdentity);
                break;
            default:
                _context.Counters.Drop(DropReason.BadMac);
                break;
        }

        check.Release();
    }

    private bool TryAdd(Queue<IdentityCheck> queue, IdentityCheck check)
    {
        var capacity = ReferenceEquals(queue, _own) ? MaxOwn : ReferenceEquals(queue, _strangers) ? MaxStrangers : MaxAgreements;
        if (queue.Count >= capacity)
        {
            check.Release();
            return false;
        }

        _pending.Add(check.Identity);
        queue.Enqueue(check);
        return true;
    }
}
