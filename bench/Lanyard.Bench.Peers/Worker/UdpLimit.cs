using System.Buffers.Binary;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Lanyard.Bench.Peers.Worker;

/// <summary>Measures the limit of one UDP socket: datagrams of 1400 bytes, one at a time or with segmentation offload at both ends.</summary>
internal static class UdpLimit
{
    private const int DatagramBytes = 1400;
    private const int DatagramsAtOnce = 40;
    private const int SocketBufferBytes = 8 << 20;

    // linux/udp.h and asm-generic/socket.h
    private const int SolSocket = 1;
    private const int SoSendBufferForce = 32;
    private const int SoReceiveBufferForce = 33;
    private const int SolUdp = 17;
    private const int UdpSegment = 103;
    private const int UdpGro = 104;

    /// <summary>Counts what comes for a while after the first datagram.</summary>
    public static async Task<string> ReceiveAsync(int port, bool isOffloaded, TimeSpan duration, Action ready)
    {
        using var socket = Open(isOffloaded ? UdpGro : 0, 1);
        socket.Bind(new IPEndPoint(IPAddress.Any, port));
        socket.ReceiveTimeout = 10_000;
        ready();
        return await Task.Run(() =>
        {
            var buffer = new byte[1 << 16];
            socket.Receive(buffer);
            var (bytes, start) = (0L, Stopwatch.GetTimestamp());
            while (Stopwatch.GetElapsedTime(start) < duration)
                bytes += socket.Receive(buffer);
            return string.Create(CultureInfo.InvariantCulture, $"mbit={bytes * 8 / Stopwatch.GetElapsedTime(start).TotalMicroseconds:F1} bytes={bytes}");
        });
    }

    /// <summary>Sends for a while, and somewhat longer than the receiver counts.</summary>
    public static void Send(string address, int port, bool isOffloaded, TimeSpan duration)
    {
        using var socket = Open(isOffloaded ? UdpSegment : 0, DatagramBytes);
        socket.Connect(new IPEndPoint(IPAddress.Parse(address), port));
        var buffer = new byte[isOffloaded ? DatagramBytes * DatagramsAtOnce : DatagramBytes];
        var until = duration + TimeSpan.FromSeconds(0.5);
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < until;)
        {
            try
            {
                socket.Send(buffer);
            }
            catch (SocketException)
            {
                // The receiver has finished.
                return;
            }
        }
    }

    private static Socket Open(int option, int value)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Set(socket, SolSocket, SoSendBufferForce, SocketBufferBytes);
        Set(socket, SolSocket, SoReceiveBufferForce, SocketBufferBytes);
        if (option != 0)
            Set(socket, SolUdp, option, value);
        return socket;
    }

    private static void Set(Socket socket, int level, int option, int value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(bytes, value);
        socket.SetRawSocketOption(level, option, bytes);
    }
}
