using System.Runtime.InteropServices;
using Lanyard.Engine;
using Lanyard.Engine.Packets;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard;

/// <summary>Drives a node's engine and the TCP/IP hosts of its networks: time, threads, sockets, state.</summary>
/// <remarks>
/// <para>Locking. The <see cref="Gate"/> guards the engine, each <see cref="NetworkPort"/> with its host, and the channels of streams, listeners and datagrams: they are
/// used between <see cref="Enter"/> and <see cref="Exit"/> only. Snapshots for readers are immutable and replaced as a whole.</para>
/// <para>Threads. Each UDP socket has one: it waits for datagrams, opens their packets, and enters the gate for each batch. Timers have one. Threads of the application
/// enter the gate to write, read, open or close. Data is moved under the gate; the thread that leaves it seals and sends the packets. The only code of the application
/// under the gate is <see cref="INetworkController.TryPost"/>, which queues a request. Operations complete after the gate is left. Their awaiters, all events, and the engine's
/// <see cref="NodeWork"/> run on the thread pool.</para>
/// </remarks>
internal sealed class NodeRuntime : ITransportReceiver, IDisposable
{
    private const long ClockJumpMs = 10_000;
    private static readonly TimeSpan EnvironmentInterval = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EnvironmentSettleTime = TimeSpan.FromMilliseconds(250);

    private volatile LanyardOptions _options;
    private readonly NodeTransport _transport;
    private readonly StateKeeper _state;
    private readonly INodeTimer _timer;
    private readonly ITimer _environmentTimer;
    private readonly NodePorts _ports = new();
    private readonly NodeHost _host;
    private volatile LocalInterfaces _interfaces = LocalInterfaces.None;
    private long _armedFor = long.MaxValue;
    private bool _isWorking;

    // For datagrams that come one at a time; null while a thread uses it.
    private OpenedPackets? _opened = new();

    public NodeRuntime(LanyardOptions options, Identity identity, NodeTransport transport, StateKeeper state, EventQueue events)
    {
        _options = options;
        _transport = transport;
        _state = state;
        Events = events;
        Clock = new NodeClock(options.TimeProvider);
        _timer = options.TimeProvider == TimeProvider.System
            ? new TimerThread($"Lanyard {identity.Address} timers", RunTimers)
            : new ProvidedTimer(options.TimeProvider, RunTimers);
        _environmentTimer = options.TimeProvider.CreateTimer(
            static runtime => ((NodeRuntime)runtime!).CheckEnvironment(isForced: false), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        NowMicroseconds = Clock.Microseconds;
        NowMs = Clock.ToMs(NowMicroseconds);
        _host = new NodeHost(this, transport, state, _ports);
        Engine = new Node(EngineOptions(options), identity, _host, NowMs) { Controller = options.Controller };
    }

    public Gate Gate { get; } = new();

    public NodeClock Clock { get; }

    public EventQueue Events { get; }

    public LanyardOptions Options => _options;

    public StateKeeper State => _state;

    /// <summary>The engine. Under the gate, except for properties that never change.</summary>
    public Node Engine { get; }

    /// <summary>The time at which the gate was entered, in milliseconds since 1970. Under the gate.</summary>
    public long NowMs { get; private set; }

    /// <summary>The time at which the gate was entered, in microseconds of the TCP/IP hosts. Under the gate.</summary>
    public long NowMicroseconds { get; private set; }

    /// <summary>Whether more datagrams arrive than the node can process. Under the gate.</summary>
    public bool IsBacklogged { get; private set; }

    /// <summary>Whether the node has ended, or is ending. Under the gate.</summary>
    public bool IsDisposed { get; private set; }

    /// <summary>The local endpoints of the transport.</summary>
    public IEnumerable<InetEndpoint> BoundEndpoints => _transport.Senders.Select(sender => sender.LocalEndpoint);

    /// <summary>The port of all local endpoints.</summary>
    public int Port => _transport.Port;

    /// <summary>Reserves room to build a frame in: see <see cref="DatagramSender.TakeRoom"/>. Under the gate.</summary>
    public SendBatch TakeRoom(int bytes, out int offset) => _transport.TakeRoom(bytes, out offset);

    /// <summary>The number of datagrams that the system did not accept.</summary>
    public long SendFailures => _transport.SendFailures;

    /// <summary>The local endpoints that are announced to peers.</summary>
    public IReadOnlyList<InetEndpoint> LocalEndpoints { get; private set; } = [];

    public void Enter()
    {
        Gate.Enter();
        NowMicroseconds = Clock.Microseconds;
        NowMs = Clock.ToMs(NowMicroseconds);
    }

    public void Exit()
    {
        TrySettle();
        var next = NextDeadline();
        var isEarlier = next < _armedFor;
        if (isEarlier)
            _armedFor = next;
        var now = NowMicroseconds;
        Leave();
        if (isEarlier)
            _timer.Advance(next - now);
    }

    /// <summary>Starts the threads: the node sends and receives from now on.</summary>
    public void Start()
    {
        CheckEnvironment(isForced: true);
        _environmentTimer.Change(EnvironmentInterval, EnvironmentInterval);
        _transport.Start($"Lanyard {Engine.Address} receive", this);
        _transport.WatchEnvironment();
        _timer.Start();
    }

    /// <summary>The ports of the joined networks. Under the gate.</summary>
    public NodePorts Ports => _ports;

    /// <summary>Receives the engine's events.</summary>
    public NodeHost Host => _host;

    /// <summary>The interfaces of this machine.</summary>
    public LocalInterfaces Interfaces => _interfaces;

    /// <summary>Reads the addresses of this machine. If they changed, the engine tries all paths anew.</summary>
    /// <param name="isForced">Whether the engine tries all paths anew in any case.</param>
    public void CheckEnvironment(bool isForced)
    {
        LocalInterfaces interfaces;
        try
        {
            interfaces = _transport.ReadInterfaces(_options.ExcludedInterfacePrefixes);
        }
        catch (Exception e) when (LocalInterfaces.IsUnavailable(e))
        {
            Events.Log(logger => Log.InterfacesUnreadable(logger, e));
            interfaces = _interfaces;
        }

        Enter();
        try
        {
            if (IsDisposed)
                return;
            var jumpMs = Clock.CatchUp(ClockJumpMs);
            if (jumpMs > 0)
            {
                Events.Log(logger => Log.ClockJumped(logger, jumpMs));
                NowMs = Clock.ToMs(NowMicroseconds);
            }

            var senders = _transport.Senders.Count;
            _transport.TryBindMissing();
            if (!isForced && jumpMs == 0 && senders == _transport.Senders.Count && interfaces.IsSameAs(_interfaces))
            {
                _interfaces = interfaces;
                return;
            }

            _interfaces = interfaces;
            LocalEndpoints = [.. interfaces.Endpoints(_transport.Senders).Where(endpoint => !_host.IsBlocked(endpoint.Address))];
            var endpoints = string.Join(", ", LocalEndpoints);
            Events.Log(logger => Log.EnvironmentChanged(logger, endpoints));
            Engine.SetLocalEndpoints(LocalEndpoints);
            Engine.NetworkEnvironmentChanged(NowMs);
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Whether an address lies in a LAN that this machine is on, other than a virtual network's own. No lock is needed.</summary>
    public bool IsOnOwnLan(InetAddress address, NetworkId virtualNetwork) => _interfaces.IsOnLan(address, virtualNetwork);

    /// <summary>Whether this machine is nearer to an address than a range of a virtual network: see <see cref="LocalInterfaces.IsNearerThan"/>. No lock is needed.</summary>
    public bool IsNearerThan(InetPrefix range, InetAddress address, NetworkId virtualNetwork) => _interfaces.IsNearerThan(range, address, virtualNetwork);

    /// <summary>Changes the settings of physical paths. Not under the gate.</summary>
    public void ChangePaths(LanyardOptions options)
    {
        Enter();
        try
        {
            if (IsDisposed)
                return;
            _options = options;
        }
        finally
        {
            Exit();
        }

        // Read the interfaces first: they determine the excluded networks.
        CheckEnvironment(isForced: true);
        Enter();
        try
        {
            Engine.ChangePaths(NowMs, options.TrustedPaths.ToEngine(), options.PathMtus.ToEngine(), options.PeerHints.ToEngine());
        }
        finally
        {
            Exit();
        }
    }

    /// <summary>Ends the threads and the sockets. The networks have been shut down. Not under the gate.</summary>
    public void Dispose()
    {
        Enter();
        IsDisposed = true;
        Engine.SavePeers(NowMs);
        Exit();
        _environmentTimer.Dispose();
        _timer.Stop();
        _transport.Dispose();
    }

    private static NodeOptions EngineOptions(LanyardOptions options)
    {
        var seed = new byte[32];
        options.RandomNumberGenerator.GetBytes(seed);
        var limits = options.ProtocolLimits;
        return new NodeOptions
        {
            RandomSeed = seed,
            PhysicalMtu = options.PhysicalMtu,
            TrustedPaths = options.TrustedPaths.ToEngine(),
            PathMtus = options.PathMtus.ToEngine(),
            PeerHints = options.PeerHints.ToEngine(),
            Platform = Platform(),
            MaxPeers = limits.MaxPeers,
            MaxReassemblies = limits.MaxReassemblies,
            MaxWaitingPackets = limits.MaxWaitingPackets,
            MaxQueuedPackets = limits.MaxQueuedPackets,
            MaxMulticastSubscriptions = limits.MaxMulticastSubscriptions,
            MaxMembersPerNetwork = limits.MaxMembersPerNetwork,
            MaxIdentityChecksPerSecond = limits.MaxIdentityChecksPerSecond,
        };
    }

    private static string Platform()
    {
        var system = RuntimeInformation.IsOSPlatform(OSPlatform.Linux) ? "linux"
            : RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "windows"
            : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "macos" : "other";
        var processor = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => "x86_64",
            Architecture.X86 => "x86",
            Architecture.Arm64 => "arm64",
            Architecture.Arm => "arm",
            _ => "other",
        };
        return $"{system}/{processor}";
    }

    void ITransportReceiver.OnEnvironmentChanged()
    {
        // Changes come in bursts. Wait until the system has settled.
        try
        {
            _environmentTimer.Change(EnvironmentSettleTime, EnvironmentInterval);
        }
        catch (ObjectDisposedException)
        {
            // The node ended.
        }
    }

    void ITransportReceiver.OnNetworkChanged() => CheckEnvironment(isForced: true);

    void ITransportReceiver.OnReceived(int local, DatagramBatch batch)
    {
        for (var i = 0; i < batch.Count; i++)
            Engine.Open(batch.Run(i), batch.DatagramBytes(i), batch.Opened(i));
        Enter();
        try
        {
            IsBacklogged = batch.IsBacklogged;
            for (var i = 0; i < batch.Count; i++)
                Engine.Receive(NowMs, local, batch.Source(i), batch.Run(i), batch.DatagramBytes(i), batch.Opened(i));
        }
        finally
        {
            Exit();
        }
    }

    void ITransportReceiver.OnReceived(int local, in InetEndpoint source, Span<byte> datagram)
    {
        var opened = Interlocked.Exchange(ref _opened, null) ?? new OpenedPackets();
        Engine.Open(datagram, datagram.Length, opened);
        Enter();
        try
        {
            if (!IsDisposed)
                Engine.Receive(NowMs, local, source, datagram, datagram.Length, opened);
        }
        finally
        {
            Exit();
        }

        _opened = opened;
    }

    // Runs on the thread pool, one item after another, each without the gate.
    private void RunWork()
    {
        while (true)
        {
            NodeWork? work;
            Enter();
            try
            {
                if (IsDisposed || !Engine.TryTakeWork(out work))
                {
                    _isWorking = false;
                    return;
                }
            }
            finally
            {
                Exit();
            }

            work.Run();
            Enter();
            try
            {
                if (!IsDisposed)
                    Engine.CompleteWork(NowMs, work);
            }
            finally
            {
                Exit();
            }
        }
    }

    private long RunTimers()
    {
        Enter();
        try
        {
            if (!IsDisposed)
                PollAll();
        }
#pragma warning disable CA1031 // Timers do not throw. If one did, the thread that runs all of them must not end.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Events.Log(logger => Log.InternalError(logger, e));
        }

        // Not Exit, which would wake this thread.
        TrySettle();
        _armedFor = NextDeadline();
        var delay = _armedFor - NowMicroseconds;
        Leave();
        return delay;
    }

    private void PollAll()
    {
        if (Engine.NextDeadlineMs <= NowMs)
            Engine.Poll(NowMs);
        foreach (var port in _ports.All)
            port.Virtual.Poll();
    }

    private long NextDeadline()
    {
        var next = Clock.ToMicroseconds(Engine.NextDeadlineMs);
        foreach (var port in _ports.All)
            next = Math.Min(next, port.NextDeadline);
        return next;
    }

    // Catches all exceptions, so that the gate is always left.
    private void TrySettle()
    {
        try
        {
            Settle();
        }
#pragma warning disable CA1031 // Settling does not throw. If it did, the gate would never be left.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Events.Log(logger => Log.InternalError(logger, e));
        }
    }

    // Packets are sealed and sent after the gate is left.
    private void Leave()
    {
        _transport.BeginFlush();
        var completions = Gate.Leave();
        _transport.EndFlush();
        Gate.Run(completions);
    }

    // Finishes the calls under the gate: sends acknowledgments and replies, starts queued work, applies changed configurations.
    private void Settle()
    {
        _ports.EndBatches();
        if (!_isWorking && !IsDisposed && Engine.HasWork)
        {
            _isWorking = true;
            ThreadPool.UnsafeQueueUserWorkItem(static runtime => ((NodeRuntime)runtime!).RunWork(), this);
        }

        _ports.ApplyChanges();
    }
}
