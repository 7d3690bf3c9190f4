using Lanyard.Engine.Packets;
using Lanyard.Engine.Roots;
using Lanyard.Primitives;
using Lanyard.Wire.Verbs;
using Lanyard.Wire;

namespace Lanyard.Engine.Peers;

/// <summary>The reason for a WHOIS. Each reason has a separate table.</summary>
internal enum WhoisReason
{
    /// <summary>The node has packets to send to it, or needs its identity to continue.</summary>
    Own,

    /// <summary>Another node named it as a listener of a multicast group.</summary>
    Multicast,

    /// <summary>It is the sender of a packet, or the subject of a peer's WHOIS to this root.</summary>
    Stranger,
}

/// <summary>Asks the roots for the identities of nodes that are only known by address.</summary>
internal sealed class Whois
{
    private const int MaxOwn = 1_024;
    private const int MaxMulticast = 256;
    private const int MaxStrangers = 256;
    private const long RetryMs = 500;
    private const long LifeMs = 5_000;

    // A stranger's packet causes one WHOIS; a flood is limited.
    private const int StrangersBurst = 64;
    private const long StrangersIntervalMs = 31;
    private const int PrefixBurst = 4;
    private const long PrefixIntervalMs = 500;

    private readonly NodeContext _context;
    private readonly RootTable _roots;
    private readonly PacketRouter _router;
    private readonly PrefixLimiter _prefixes;
    private readonly Dictionary<NodeAddress, Question>[] _questions = [new(), new(), new()];
    private readonly int[] _capacities = [MaxOwn, MaxMulticast, MaxStrangers];
    private TokenBucket _strangers = new(StrangersBurst, StrangersIntervalMs);

    public Whois(NodeContext context, RootTable roots, PacketRouter router)
    {
        _context = context;
        _roots = roots;
        _router = router;
        _prefixes = new PrefixLimiter(PrefixBurst, PrefixIntervalMs, context.Secrets.TableKey);
    }

    public long NextDeadlineMs { get; private set; } = long.MaxValue;

    /// <summary>Sends a WHOIS unless one is pending, and retries until an answer arrives or 5 s have passed.</summary>
    public void Request(long nowMs, NodeAddress address, WhoisReason reason = WhoisReason.Own)
    {
        if (address.IsReserved || address == _context.Address)
            return;
        var questions = _questions[(int)reason];
        if (questions.TryGetValue(address, out var question))
        {
            questions[address] = question with { WantedMs = nowMs };
            return;
        }

        if (questions.Count >= _capacities[(int)reason])
        {
            _context.Counters.Drop(DropReason.RateLimited);
            return;
        }

        var sent = Ask(nowMs, address, reason);
        questions.Add(address, new Question(nowMs, sent ? nowMs : long.MinValue / 2));
        NextDeadlineMs = Math.Min(NextDeadlineMs, nowMs + RetryMs);
    }

    /// <summary>Sends one WHOIS, without retries, for a stranger's packet, within the budgets of its source prefix and of all strangers.</summary>
    /// <param name="nowMs">The time, in milliseconds since 1970.</param>
    /// <param name="address">The unknown node.</param>
    /// <param name="source">The source address of the packet that names it.</param>
    public void RequestForStranger(long nowMs, NodeAddress address, InetAddress source)
    {
        if (address.IsReserved || address == _context.Address || IsAsked(address))
            return;
        var questions = _questions[(int)WhoisReason.Stranger];
        if (questions.Count >= MaxStrangers || !_prefixes.TryTake(nowMs, source) || !_strangers.TryTake(nowMs))
        {
            _context.Counters.Drop(DropReason.RateLimited);
            return;
        }

        if (!Ask(nowMs, address, WhoisReason.Stranger))
            return;
        questions.Add(address, new Question(nowMs, nowMs));
        NextDeadlineMs = Math.Min(NextDeadlineMs, nowMs + LifeMs);
    }

    /// <summary>Whether a WHOIS for this node's own needs is pending.</summary>
    public bool IsWanted(NodeAddress address) => _questions[(int)WhoisReason.Own].ContainsKey(address);

    public void Resolved(NodeAddress address)
    {
        foreach (var questions in _questions)
            questions.Remove(address);
    }

    /// <summary>Sends pending questions now that a root is reachable.</summary>
    public void RootReachable(long nowMs)
    {
        if (_questions[(int)WhoisReason.Own].Count + _questions[(int)WhoisReason.Multicast].Count > 0)
            NextDeadlineMs = nowMs;
    }

    public void Poll(long nowMs)
    {
        if (nowMs < NextDeadlineMs)
            return;
        var count = 0;
        for (var reason = WhoisReason.Own; reason <= WhoisReason.Stranger; reason++)
        {
            var questions = _questions[(int)reason];
            foreach (var (address, question) in questions.ToArray())
            {
                if (nowMs - question.WantedMs > LifeMs)
                    questions.Remove(address);
                else if (reason != WhoisReason.Stranger && nowMs - question.AskedMs >= RetryMs && Ask(nowMs, address, reason))
                    questions[address] = question with { AskedMs = nowMs };
            }

            count += questions.Count;
        }

        NextDeadlineMs = count > 0 ? nowMs + RetryMs : long.MaxValue;
    }

    private bool IsAsked(NodeAddress address)
    {
        foreach (var questions in _questions)
        {
            if (questions.ContainsKey(address))
                return true;
        }

        return false;
    }

    private bool Ask(long nowMs, NodeAddress address, WhoisReason reason)
    {
        if (_roots.Best(nowMs, except: address) is not { } root)
            return false;
        using var buffer = _context.Buffers.Rent();
        var writer = buffer.CreateWriter();
        WhoisMessage.Write(ref writer, new[] { address });
        _router.SendRequest(nowMs, root, buffer.Complete(Verb.Whois, writer, subject: address.Value), reason == WhoisReason.Stranger);
        return true;
    }

    private readonly record struct Question(long WantedMs, long AskedMs);
}
