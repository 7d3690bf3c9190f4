using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Lanyard.Primitives;
using Microsoft.Extensions.Logging.Abstractions;

namespace Lanyard.Tests;

/// <summary>Binding addresses that come up while the transport runs, in a network namespace that belongs to one thread and ends with it.</summary>
public sealed class BindLaterTests
{
    private const int NewNetwork = 0x40000000; // CLONE_NEWNET

    [Fact]
    public async Task An_address_that_comes_up_is_bound_and_receives()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "It takes the superuser of Linux to make a network namespace.");
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var thread = new Thread(() =>
        {
            try
            {
                ReceiveAtAddressThatComesUp();
                done.SetResult();
            }
            catch (Exception failure)
            {
                done.SetException(failure);
            }
        });
        thread.Start();
        await done.Task.WaitAsync(TestLan.Guard);
        thread.Join();
    }

    private static void ReceiveAtAddressThatComesUp()
    {
        var first = IPAddress.Parse("192.0.2.1");
        var second = IPAddress.Parse("192.0.2.2");
        Assert.Equal(0, unshare(NewNetwork));
        Ip("link set lo up");
        Ip("addr add 192.0.2.2/32 dev lo");
        Assert.Throws<LanyardException>(() => UdpTransport.Bind([first], 0, batch: true, awaitAddresses: false, NullLogger.Instance));
        using (var none = UdpTransport.Bind([first], 0, batch: true, awaitAddresses: true, NullLogger.Instance))
        {
            Assert.Empty(none.Senders);
            Assert.InRange(none.Port, 1, 65_535);
            Assert.True(none.TakeRoom(1_000, out _).Bytes.Length >= 1_000);
            none.Send(-1, default, default, 0);
        }

        using var transport = UdpTransport.Bind([first, second], 0, batch: true, awaitAddresses: true, NullLogger.Instance);
        Assert.Single(transport.Senders);
        using var received = new BlockingQueue();
        transport.Start("test", received);
        transport.TryBindMissing();
        Assert.Single(transport.Senders);
        Ip("addr add 192.0.2.1/32 dev lo");
        transport.TryBindMissing();
        Assert.Equal([second, first], transport.Senders.Select(socket => socket.LocalEndpoint.Address.ToIPAddress()));
        Assert.Single(transport.Senders.Select(socket => socket.LocalEndpoint.Port).Distinct());
        using var sender = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        sender.SendTo([1, 2, 3], new IPEndPoint(first, transport.Port));
        Assert.Equal((1, 3), received.Take());
        sender.SendTo([1, 2], new IPEndPoint(second, transport.Port));
        Assert.Equal((0, 2), received.Take());
    }

    private static void Ip(string arguments)
    {
        using var process = Process.Start("ip", arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

#pragma warning disable SYSLIB1054, CA5392, IDE1006 // LibraryImport needs an unsafe partial class for one call; libc is resolved from the system; the function keeps its C name.
    [DllImport("libc", SetLastError = true)]
    private static extern int unshare(int flags);
#pragma warning restore SYSLIB1054, CA5392, IDE1006

    private sealed class BlockingQueue : ITransportReceiver, IDisposable
    {
        private readonly System.Collections.Concurrent.BlockingCollection<(int Socket, int Bytes)> _items = [];

        public void OnReceived(int local, DatagramBatch batch) => _items.Add((local, batch.Run(0).Length));

        public void OnReceived(int local, in InetEndpoint source, Span<byte> datagram) => _items.Add((local, datagram.Length));

        public void OnEnvironmentChanged()
        {
        }

        public void OnNetworkChanged()
        {
        }

        public (int Socket, int Bytes) Take() => _items.Take(TestLan.Guard);

        public void Dispose() => _items.Dispose();
    }
}
