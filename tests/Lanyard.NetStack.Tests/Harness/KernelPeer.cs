using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Lanyard.Primitives;
using Lanyard.Tests.Shared;

namespace Lanyard.NetStack.Tests;

/// <summary>
/// A host of this stack and the Linux kernel as its neighbor, joined by a TAP device in a network namespace made for it. A thread of
/// its own
/// drives the host in real time; whoever touches the host holds <see cref="Lock"/>.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed partial class KernelPeer : IFrameSink, IDisposable
{
    public const int Mtu = 2800;

    private const int EthernetHeader = 14;
    private const int MaxBatch = 64;

    private static int _next;
    private readonly string _name = $"lanyard{Environment.ProcessId % 10_000}n{Interlocked.Increment(ref _next)}";
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly byte[] _out = new byte[EthernetHeader + 65_536];
    private readonly Random _random;
    private readonly VirtualLink? _toKernel;
    private readonly VirtualLink? _fromKernel;
    private readonly Thread _driver;
    private readonly ManualResetEventSlim _ready = new();
    private TapDevice? _tap;
    private Exception? _failure;
    private volatile bool _stop;

    public KernelPeer(double loss = 0, int seed = 1, TcpOptions? tcp = null, LinkOptions? link = null)
    {
        Loss = loss;
        _random = new Random(seed);
        Run("netns", "add", _name);
        var options = Pair.Options(Pair.MacA, seed, 0xa, new InetPrefix(Pair.A4, 24), new InetPrefix(Pair.A6, 64)) with { Mtu = Mtu };
        if (tcp is not null)
            options = options with { Tcp = tcp };
        if (link is not null)
        {
            _toKernel = new VirtualLink(link, seed, () => Now, Pair.MacA);
            _fromKernel = new VirtualLink(link, seed + 1, () => Now, Pair.MacB);
        }

        Host = new NetworkHost(options, _toKernel ?? (IFrameSink)this);
        _driver = new Thread(Drive) { IsBackground = true };
        _driver.Start();
        _ready.Wait();
        if (_failure is not null)
        {
            Dispose();
            throw new InvalidOperationException("The TAP device could not be made.", _failure);
        }
    }

    public static string? WhyNot => !OperatingSystem.IsLinux() ? "needs Linux"
        : Environment.UserName != "root" ? "needs root for a TAP device"
        : !File.Exists("/dev/net/tun") ? "needs /dev/net/tun"
        : !File.Exists("/usr/sbin/ip") && !File.Exists("/sbin/ip") && !File.Exists("/usr/bin/ip") ? "needs iproute2" : null;

    public NetworkHost Host { get; }

    public Lock Lock { get; } = new();

    public long Now => _clock.ElapsedTicks * 1_000_000 / Stopwatch.Frequency + 1;

    /// <summary>How probable it is that a frame is lost, each way.</summary>
    public double Loss { get; }

    /// <summary>Runs something with the kernel's sockets: those it makes belong to the namespace.</summary>
    public Task<T> InKernel<T>(Func<T> action)
    {
        var result = new TaskCompletionSource<T>();
        var thread = new Thread(() =>
        {
            try
            {
                Enter();
                result.SetResult(action());
            }
            catch (Exception failure)
            {
                result.SetException(failure);
            }
        }) { IsBackground = true };
        thread.Start();
        return result.Task;
    }

    /// <summary>Waits until a condition on the host holds.</summary>
    public bool WaitFor(Func<bool> condition, int milliseconds = 20_000)
    {
        var until = _clock.ElapsedMilliseconds + milliseconds;
        while (_clock.ElapsedMilliseconds < until)
        {
            lock (Lock)
            {
                if (condition())
                    return true;
            }

            Thread.Yield();
        }

        return false;
    }

    public Span<byte> Rent(MacAddress destination, ushort etherType, int length)
    {
        destination.Write(_out);
        Pair.MacA.Write(_out.AsSpan(6));
        _out[12] = (byte)(etherType >> 8);
        _out[13] = (byte)etherType;
        return _out.AsSpan(EthernetHeader, length);
    }

    public void Commit(int length)
    {
        if (Loss == 0 || _random.NextDouble() >= Loss)
            _tap!.Write(_out.AsSpan(0, EthernetHeader + length));
    }

    public void Flush()
    {
    }

    public void Dispose()
    {
        _stop = true;
        _driver.Join();
        _tap?.Dispose();
        Run("netns", "del", _name);
        _ready.Dispose();
    }

    private static void Run(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"ip {string.Join(' ', arguments)}: {error}");
    }

    private long NextArrival => _toKernel is null ? long.MaxValue : Math.Min(_toKernel.NextArrival, _fromKernel!.NextArrival);

    /// <summary>Hands on, each way, what has been on the link long enough.</summary>
    private void DeliverArrived()
    {
        if (_toKernel is null)
            return;
        for (var i = 0; i < MaxBatch && _fromKernel!.NextArrival <= Now && _fromKernel.TryTake(Now, out var frame); i++)
        {
            Host.Receive(Now, frame.Source, frame.Destination, frame.EtherType, frame.Packet);
            _fromKernel.Recycle(frame);
        }

        while (_toKernel.NextArrival <= Now && _toKernel.TryTake(Now, out var frame))
        {
            frame.Packet.CopyTo(Rent(frame.Destination, frame.EtherType, frame.Length));
            _tap!.Write(_out.AsSpan(0, EthernetHeader + frame.Length));
            _toKernel.Recycle(frame);
        }
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int file, int kind);

    private void Enter()
    {
        using var file = File.OpenHandle($"/run/netns/{_name}");
        if (SetNamespace((int)file.DangerousGetHandle(), 0) != 0)
            throw new InvalidOperationException($"setns failed: {Marshal.GetLastPInvokeError()}");
    }

    private void Drive()
    {
        try
        {
            Enter();
            _tap = new TapDevice("tap0");
            Run("-n", _name, "link", "set", "tap0", "address", Pair.MacB.ToString());
            Run("-n", _name, "link", "set", "tap0", "mtu", Mtu.ToString(), "up");
            Run("-n", _name, "link", "set", "lo", "up");
            Run("-n", _name, "addr", "add", $"{Pair.B4}/24", "dev", "tap0");
            Run("-n", _name, "addr", "add", $"{Pair.B6}/64", "dev", "tap0", "nodad");
        }
        catch (Exception failure)
        {
            _failure = failure;
            _ready.Set();
            return;
        }

        _ready.Set();
        var frame = new byte[EthernetHeader + 65_536];
        while (!_stop)
        {
            long wait;
            lock (Lock)
                wait = Math.Min((Math.Min(Host.NextDeadline, NextArrival) - Now) / 1_000, 5);
            if (wait > 0)
                _tap.Wait((int)wait);
            lock (Lock)
            {
                Host.BeginBatch(Now);
                for (var i = 0; i < MaxBatch; i++)
                {
                    var length = _tap.Read(frame);
                    if (length == 0)
                        break;
                    if (length < EthernetHeader || (Loss > 0 && _random.NextDouble() < Loss))
                        continue;
                    var payload = frame.AsSpan(EthernetHeader, length - EthernetHeader);
                    var (destination, etherType) = (MacAddress.Read(frame), (ushort)((frame[12] << 8) | frame[13]));
                    if (_fromKernel is null)
                    {
                        Host.Receive(Now, MacAddress.Read(frame.AsSpan(6)), destination, etherType, payload);
                    }
                    else
                    {
                        payload.CopyTo(_fromKernel.Rent(destination, etherType, payload.Length));
                        _fromKernel.Commit(payload.Length);
                    }
                }

                DeliverArrived();
                Host.EndBatch(Now);
                if (Host.NextDeadline <= Now)
                    Host.Poll(Now);
            }
        }
    }
}
