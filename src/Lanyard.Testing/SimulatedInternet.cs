using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Testing;

/// <summary>
/// An internet in virtual time: hosts, NATs and lossy links. Each run follows from the seed and from the application's code, so it can be repeated;
/// <see cref="TraceHash"/> shows whether it was.
/// </summary>
/// <remarks>
/// <para><see cref="RunAsync(Func{Task}, TimeSpan?)"/> runs code with <see cref="LanyardNode"/>, <c>HttpClient</c> and Kestrel. Virtual time advances only while all code waits. For
/// that, the thread pool of the process is limited to one worker for the time of the run, so no other test may run beside it.</para>
/// <para>Code under simulation takes its time from <see cref="TimeProvider"/>: <c>Task.Delay(delay, timeProvider)</c>,
/// <c>new CancellationTokenSource(delay, timeProvider)</c>. Timeouts of the framework that know no time provider, such as <c>HttpClient.Timeout</c>, count real time.</para>
/// </remarks>
/// <example>
/// <code>
/// var internet = new SimulatedInternet(seed: 7, new LinkOptions { Loss = 0.05 });
/// await internet.RunAsync(async () =>
/// {
///     await using var lan = await SimulatedLan.StartAsync(internet);
///     var server = await lan.JoinAsync();
///     var client = await lan.JoinAsync(internet.AddNat(NatKind.PortRestricted));
///     using var listener = server.Listen(80);
///     var accept = listener.AcceptAsync();
///     await using var stream = await client.ConnectAsync(new IPEndPoint(server.IPv4Address!, 80));
///     await using var accepted = await accept;
/// });
/// </code>
/// </example>
public sealed class SimulatedInternet
{
    internal const long TicksPerMicrosecond = 10;
    private static readonly long Epoch = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds() * 1000;
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromDays(1);

    // Guards everything below. Nothing of a node is called with it held.
    private readonly object _lock = new();
    private readonly TimedEvents _events = new();
    private readonly Dictionary<InetAddress, SimulatedHost> _hosts = [];
    private readonly Dictionary<InetAddress, SimulatedNat> _nats = [];
    private readonly HashSet<(SimulatedPlace, SimulatedPlace)> _cuts = [];
    private readonly Dictionary<Identity, bool> _validated = [];
    private readonly SimulationRandom _random;
    private int _identitiesTaken;
    private long _nowMicroseconds = Epoch;
    private uint _nextPublicAddress = 0x2d00_0001; // 45.0.0.1 and up: global addresses, each in a /24 of its own.

    /// <summary>Creates an internet without hosts.</summary>
    /// <param name="seed">The seed of all random numbers.</param>
    /// <param name="link">The properties of links; the defaults if null.</param>
    public SimulatedInternet(ulong seed, LinkOptions? link = null)
    {
        _random = new SimulationRandom(seed);
        Link = link ?? new LinkOptions();
        TimeProvider = new VirtualTime(this);
    }

    /// <summary>The properties of links. May be changed at any time.</summary>
    public LinkOptions Link { get; set; }

    /// <summary>The virtual clock. It begins with the year 2026, UTC.</summary>
    public TimeProvider TimeProvider { get; }

    /// <summary>The virtual time, in microseconds since 1970.</summary>
    public long NowMicroseconds => Volatile.Read(ref _nowMicroseconds);

    /// <summary>The virtual time, in milliseconds since 1970.</summary>
    public long NowMs => NowMicroseconds / 1000;

    /// <summary>A hash over all delivered datagrams: time, source, destination and bytes. Two runs with the same hash were the same.</summary>
    public ulong TraceHash { get; private set; } = 14_695_981_039_346_656_037;

    /// <summary>The number of delivered datagrams.</summary>
    public long Delivered { get; private set; }

    /// <summary>The number of lost datagrams: by chance, at a cut, or at a NAT without a mapping.</summary>
    public long Lost { get; private set; }

    /// <summary>Receives a copy of every delivered datagram, with its source and destination. It must not call a node.</summary>
    public Action<InetEndpoint, InetEndpoint, byte[]>? Tap { get; set; }

    /// <summary>Adds a NAT with a public address.</summary>
    /// <param name="kind">The mapping and filtering behavior.</param>
    public SimulatedNat AddNat(NatKind kind)
    {
        lock (_lock)
        {
            var nat = new SimulatedNat(NextPublicAddress(), kind);
            _nats.Add(nat.Address, nat);
            return nat;
        }
    }

    /// <summary>Adds a host.</summary>
    /// <param name="nat">The NAT that gives the host a private address; null (the default) for a public address.</param>
    public SimulatedHost AddHost(SimulatedNat? nat = null)
    {
        lock (_lock)
            return CreateHost(nat);
    }

    private SimulatedHost CreateHost(SimulatedNat? nat)
    {
        var address = nat is null
            ? NextPublicAddress()
            : InetAddress.FromV4(0xc0a8_0002 + (uint)_hosts.Values.Count(h => ReferenceEquals(h.Nat, nat)));
        var host = new SimulatedHost(this, address, nat);
        if (nat is null)
            _hosts.Add(address, host);
        else
            _hosts.Add(InsideKey(nat, address), host);
        return host;
    }

    /// <summary>Cuts the link between two places, in both directions. A host behind a NAT is cut off at its NAT.</summary>
    public void Cut(SimulatedPlace a, SimulatedPlace b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        lock (_lock)
        {
            _cuts.Add((a.Edge, b.Edge));
            _cuts.Add((b.Edge, a.Edge));
        }
    }

    /// <summary>Mends a link that was cut.</summary>
    public void Mend(SimulatedPlace a, SimulatedPlace b)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        lock (_lock)
        {
            _cuts.Remove((a.Edge, b.Edge));
            _cuts.Remove((b.Edge, a.Edge));
        }
    }

    /// <summary>Partitions the internet: cuts all links between these places and all others that exist now.</summary>
    public void Partition(params IReadOnlyCollection<SimulatedPlace> places)
    {
        ArgumentNullException.ThrowIfNull(places);
        var inside = places.Select(place => place.Edge).ToHashSet();
        SimulatedPlace[] all;
        lock (_lock)
            all = [.. _hosts.Values.Select(host => host.Edge).Concat(_nats.Values).Distinct()];
        foreach (var place in inside)
        {
            foreach (var other in all)
            {
                if (!inside.Contains(other))
                    Cut(place, other);
            }
        }
    }

    /// <summary>Mends all links.</summary>
    public void MendAll()
    {
        lock (_lock)
            _cuts.Clear();
    }

    /// <summary>Runs code in virtual time, until its task has completed.</summary>
    /// <param name="application">The code. It runs on the thread pool, must await rather than block, and must dispose of the nodes that it starts.</param>
    /// <param name="limit">The maximum virtual time. Default one day.</param>
    /// <exception cref="TimeoutException">The code did not complete within the limit, or blocked the thread pool for 30 s of real time.</exception>
    public Task RunAsync(Func<Task> application, TimeSpan? limit = null)
    {
        ArgumentNullException.ThrowIfNull(application);
        return VirtualTimeDriver.RunAsync(this, application, limit ?? DefaultLimit);
    }

    /// <summary>Schedules an action. It runs with no lock held, and must return soon.</summary>
    /// <param name="delay">The virtual time until then.</param>
    /// <param name="action">The action.</param>
    public void Schedule(TimeSpan delay, Action action) => At(NowMicroseconds + (Math.Max(delay.Ticks, 0) / TicksPerMicrosecond), action);

    /// <summary>Returns a random number that follows from the seed.</summary>
    public ulong NextRandom()
    {
        lock (_lock)
            return _random.Next();
    }

    /// <summary>Fills a span with random bytes that follow from the seed.</summary>
    public void Fill(Span<byte> bytes)
    {
        lock (_lock)
            _random.Fill(bytes);
    }

    /// <summary>
    /// Creates an identity in microseconds, for tests of the engine alone (<c>Lanyard.Engine</c>): its keys are real, its address is random, and only nodes whose options
    /// skip the check accept it. A <see cref="LanyardNode"/> needs a valid one: <see cref="SimulatedHost.IdentityOf"/>.
    /// </summary>
    public Identity CreateIdentity()
    {
        using var key = WorldKey.Generate(Fill);
        Span<byte> bytes = stackalloc byte[Identity.SecretBinarySize];
        new NodeAddress((NextRandom() & 0xff_ffff_ffff) % 0xfe_0000_0000 + 1).Write(bytes);
        bytes[NodeAddress.Size] = 0;
        key.PublicKey.CopyTo(bytes[(NodeAddress.Size + 1)..]);
        bytes[Identity.BinarySize - 1] = Identity.SecretKeySize;
        key.CopySecretKey(bytes[Identity.BinarySize..]);
        if (!Identity.TryRead(bytes, out var identity, out _))
            throw new InvalidOperationException("The generated identity is malformed.");
        bytes.Clear();
        lock (_lock)
            _validated[identity] = true;
        return identity;
    }

    internal Identity TakeValidIdentity()
    {
        lock (_lock)
            return TestIdentities.Get(_identitiesTaken++);
    }

    internal RandomNumberGenerator CreateRandomNumberGenerator() => new SeededGenerator(NextRandom());

    internal bool Validate(Identity identity)
    {
        lock (_lock)
        {
            if (!_validated.TryGetValue(identity, out var isValid))
                _validated.Add(identity, isValid = identity.Validate());
            return isValid;
        }
    }

    internal void At(long timeMicroseconds, Action action)
    {
        lock (_lock)
            _events.Add(Math.Max(timeMicroseconds, NowMicroseconds), action);
    }

    /// <summary>Runs the next event. Returns false if there is none until a time, which it then is.</summary>
    internal bool TryStep(long endMicroseconds)
    {
        Action action;
        lock (_lock)
        {
            if (_events.Count == 0 || _events.NextTime > endMicroseconds)
            {
                _nowMicroseconds = endMicroseconds;
                return false;
            }

            action = _events.Take(out _nowMicroseconds);
        }

        action();
        return true;
    }

    internal void Send(SimulatedHost from, ushort port, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        lock (_lock)
            Route(from, port, destination, datagram, timeToLive);
    }

    private void Route(SimulatedHost from, ushort port, in InetEndpoint destination, ReadOnlySpan<byte> datagram, int timeToLive)
    {
        var source = new InetEndpoint(from.Address, port);
        SimulatedPlace place = from;
        if (from.Nat is { } nat)
        {
            if (_hosts.TryGetValue(InsideKey(nat, destination.Address), out var neighbor))
            {
                Carry(from, neighbor, source, destination, neighbor, datagram);
                return;
            }

            source = nat.MapOutbound(NowMicroseconds, source, destination);
            place = nat;
        }

        // A short-lived datagram gets through the sender's own NAT, no further.
        if (timeToLive is > 0 and < 4)
            return;
        if (_nats.TryGetValue(destination.Address, out var remoteNat))
            Carry(place, remoteNat, source, destination, null, datagram);
        else if (_hosts.TryGetValue(destination.Address, out var host))
            Carry(place, host, source, destination, host, datagram);
        else
            Lost++;
    }

    private InetAddress NextPublicAddress()
    {
        var address = InetAddress.FromV4(_nextPublicAddress);
        _nextPublicAddress += 0x100;
        return address;
    }

    // Hosts behind different NATs may have the same address: the NAT's address makes the key unique, in a range that is used for nothing else.
    private static InetAddress InsideKey(SimulatedNat nat, InetAddress address) => InetAddress.FromV6(nat.Address.V4, address.V4);

    private void Carry(SimulatedPlace fromPlace, SimulatedPlace toPlace, InetEndpoint source, InetEndpoint destination, SimulatedHost? host, ReadOnlySpan<byte> datagram)
    {
        if (_cuts.Contains((fromPlace, toPlace)) || _random.Chance(Link.Loss))
        {
            Lost++;
            return;
        }

        var copies = _random.Chance(Link.Duplication) ? 2 : 1;
        for (var i = 0; i < copies; i++)
        {
            var buffer = ArrayPool<byte>.Shared.Rent(datagram.Length);
            var length = datagram.Length;
            datagram.CopyTo(buffer);
            if (length > 0 && _random.Chance(Link.Corruption))
                buffer[(int)(_random.Next() % (ulong)length)] ^= (byte)(1 << (int)(_random.Next() % 8));
            var delay = Link.Latency.Ticks;
            if (Link.Jitter.Ticks > 0)
                delay += (long)(_random.Next() % (ulong)Link.Jitter.Ticks);
            if (_random.Chance(Link.Reordering))
                delay += (long)(_random.Next() % (ulong)Math.Max(Link.Latency.Ticks * 10, 1));
            _events.Add(NowMicroseconds + (delay / TicksPerMicrosecond), () => Arrive(source, destination, toPlace, host, buffer, length));
        }
    }

    private void Arrive(InetEndpoint source, InetEndpoint destination, SimulatedPlace place, SimulatedHost? host, byte[] buffer, int length)
    {
        lock (_lock)
        {
            if (place is SimulatedNat nat)
            {
                host = nat.TryMapInbound(NowMicroseconds, destination.Port, source, out var inside)
                    && _hosts.TryGetValue(InsideKey(nat, inside.Address), out var behind) ? behind : null;
                destination = inside;
            }

            if (host is null)
            {
                Lost++;
            }
            else
            {
                Delivered++;
                Trace(source, destination, buffer.AsSpan(0, length));
            }
        }

        if (host is not null)
        {
            Tap?.Invoke(source, destination, buffer.AsSpan(0, length).ToArray());
            host.Deliver(source, destination.Port, buffer.AsSpan(0, length));
        }

        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void Trace(InetEndpoint source, InetEndpoint destination, ReadOnlySpan<byte> datagram)
    {
        Mix((ulong)NowMicroseconds);
        Mix(((ulong)source.Address.V4 << 32) | destination.Address.V4);
        Mix(((ulong)source.Port << 48) | ((ulong)destination.Port << 32) | (uint)datagram.Length);
        for (; datagram.Length >= sizeof(ulong); datagram = datagram[sizeof(ulong)..])
            Mix(BinaryPrimitives.ReadUInt64LittleEndian(datagram));
        foreach (var b in datagram)
            Mix(b);
    }

    private void Mix(ulong value)
    {
        TraceHash = (TraceHash ^ value) * 0x9e37_79b9_7f4a_7c15;
        TraceHash ^= TraceHash >> 29;
    }
}
