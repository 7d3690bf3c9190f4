using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Intercept;
using Lanyard.Intercept.Linux;
using Lanyard.Intercept.Protocol;

namespace Lanyard.Intercept.Tests;

/// <summary>Programs that send invalid requests: the service answers or cuts them off, continues, and keeps no state of them.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class HostileTests(ProgramLan lan) : IClassFixture<ProgramLan>
{
    private const int Rounds = 4_000;
    private const int MaxGrowthKiB = 48 * 1024;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Requests_of_any_kind_leave_nothing_behind(int seed)
    {
        lan.Require("python3");
        var random = new Random(seed);
        // What is answered first warms what is kept.
        await TalkAsync(random, Rounds / 4);
        await ProgramLan.UntilAsync(() => lan.CountDescriptors("a") < 400, () => $"{lan.CountDescriptors("a")}");
        var (descriptors, memory) = (lan.CountDescriptors("a"), lan.OwnKiB("a"));
        await TalkAsync(random, Rounds);
        await ProgramLan.UntilAsync(
            () => lan.CountDescriptors("a") <= descriptors + 8, () => $"{lan.CountDescriptors("a")} descriptors, and {descriptors} before");
        Assert.True(lan.OwnKiB("a") <= memory + MaxGrowthKiB, $"{lan.OwnKiB("a")} KiB, and {memory} before");
        await StillWorksAsync();
    }

    [Fact]
    public async Task Programs_that_say_nothing_do_not_keep_others_from_being_served()
    {
        lan.Require("python3");
        var before = lan.CountDescriptors("a");
        var silent = new List<Socket>();
        for (var i = 0; i < 500; i++)
            silent.Add(Connect());
        await StillWorksAsync();
        foreach (var socket in silent)
            socket.Dispose();
        await ProgramLan.UntilAsync(() => lan.CountDescriptors("a") <= before + 8, () => $"{lan.CountDescriptors("a")} descriptors, and {before} before");
    }

    private async Task StillWorksAsync()
    {
        await using var server = await lan.ServeAsync(8200, "python3", "-m", "http.server", "8200");
    }

    private async Task TalkAsync(Random random, int rounds)
    {
        using var sockets = new Handles();
        for (var i = 0; i < rounds; i++)
        {
            using var client = Connect();
            var message = Make(random);
            Send(client, message, sockets.Pick(random));
            if (random.Next(4) == 0)
                continue;
            // An answer, or the end; where the program asks to connect to nowhere, it does not wait.
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ProgramProcess.Guard);
            patience.CancelAfter(TimeSpan.FromMilliseconds(200));
            try
            {
                await client.ReceiveAsync(new byte[2048], patience.Token);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // It was cut off, or did not wait.
            }
        }
    }

    private Socket Connect()
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Seqpacket, ProtocolType.Unspecified);
        socket.Connect(new UnixDomainSocketEndPoint(Path.Combine(lan.Home("a"), InterceptServer.SocketFile)));
        return socket;
    }

    // A request that is right but for one thing, one that is right, or anything at all.
    private byte[] Make(Random random)
    {
        if (random.Next(5) == 0)
        {
            var anything = new byte[random.Next(1, 1_000)];
            random.NextBytes(anything);
            return anything;
        }

        var request = new InterceptRequest
        {
            Magic = InterceptProtocol.Magic,
            Operation = (InterceptOperation)random.Next(0, 10),
            Flags = (InterceptFlags)random.Next(0, 8),
            Network = random.Next(3) == 0 ? (ulong)random.NextInt64() : 0,
            Backlog = random.Next(3) == 0 ? random.Next() : 5,
            Virtual = MakeEndpoint(random),
            Far = MakeEndpoint(random),
            Own = MakeEndpoint(random),
        };
        var message = new byte[Marshal.SizeOf<InterceptRequest>() + random.Next(0, 64)];
        MemoryMarshal.Write(message, request);
        switch (random.Next(6))
        {
            case 0:
                message[random.Next(message.Length)] ^= (byte)random.Next(1, 256);
                return message;
            case 1:
                return message[..random.Next(1, message.Length)];
            default:
                return message;
        }
    }

    private InterceptEndpoint MakeEndpoint(Random random)
    {
        string[] addresses = ["10.77.0.2", lan.Address("a"), lan.Address("b"), "127.64.0.7", "127.80.0.9", "0.0.0.0", "224.0.0.251", "255.255.255.255", "192.0.2.1"];
        var endpoint = InterceptEndpoint.Of(Lanyard.Primitives.InetEndpoint.Parse($"{addresses[random.Next(addresses.Length)]}:{random.Next(1, 65_536)}"));
        if (random.Next(8) == 0)
            endpoint.Family = (byte)random.Next(256);
        return endpoint;
    }

    private static unsafe void Send(Socket client, byte[] message, ReadOnlySpan<int> descriptors)
    {
        var control = stackalloc byte[16 + (sizeof(int) * 8)];
        fixed (byte* bytes = message)
        {
            var vector = new Libc.IoVector { Base = (nuint)bytes, Length = (nuint)message.Length };
            var header = new Libc.Message { IoVectors = (nuint)(&vector), IoVectorCount = 1 };
            if (!descriptors.IsEmpty)
            {
                *(nuint*)control = (nuint)(16 + (sizeof(int) * descriptors.Length));
                *(int*)(control + 8) = Libc.SolSocket;
                *(int*)(control + 12) = Libc.PassRights;
                descriptors.CopyTo(new Span<int>(control + 16, descriptors.Length));
                header.Control = (nuint)control;
                header.ControlLength = *(nuint*)control;
            }

            _ = Libc.SendMessage(client.SafeHandle, &header, Libc.NoSignal);
        }
    }

    /// <summary>Descriptors of all kinds to hand in.</summary>
    private sealed class Handles : IDisposable
    {
        private readonly List<IDisposable> _open = [];
        private readonly List<int> _numbers = [];

        public Handles()
        {
            foreach (var family in new[] { AddressFamily.InterNetwork, AddressFamily.InterNetworkV6 })
            {
                for (var i = 0; i < 4; i++)
                {
                    Add(new Socket(family, SocketType.Stream, ProtocolType.Tcp) { Blocking = i % 2 == 0, LingerState = new LingerOption(i == 3, 1) });
                    Add(new Socket(family, SocketType.Dgram, ProtocolType.Udp));
                }

                var listener = new Socket(family, SocketType.Stream, ProtocolType.Tcp);
                Add(listener);
                listener.Bind(new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
                listener.Listen(1);
            }

            Add(new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified));
            var file = File.OpenHandle("/dev/null");
            _open.Add(file);
            _numbers.Add((int)file.DangerousGetHandle());
        }

        public int[] Pick(Random random) => random.Next(8) switch
        {
            0 => [],
            1 => [.. Enumerable.Range(0, 8).Select(_ => One(random))],
            _ => [One(random)],
        };

        public void Dispose()
        {
            foreach (var handle in _open)
                handle.Dispose();
        }

        private int One(Random random) => _numbers[random.Next(_numbers.Count)];

        private void Add(Socket socket)
        {
            _open.Add(socket);
            _numbers.Add((int)socket.Handle);
        }
    }
}
