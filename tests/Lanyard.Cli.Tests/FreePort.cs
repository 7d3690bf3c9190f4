using System.Net;
using System.Net.Sockets;

namespace Lanyard.Cli.Tests;

/// <summary>Finds free ports for processes that get their port as an argument.</summary>
internal static class FreePort
{
    /// <summary>A port of the loopback address that is free for TCP and UDP.</summary>
    public static int Find()
    {
        while (true)
        {
            using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            tcp.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            using var udp = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                udp.Bind(new IPEndPoint(IPAddress.Any, ((IPEndPoint)tcp.LocalEndPoint!).Port));
                return ((IPEndPoint)udp.LocalEndPoint!).Port;
            }
            catch (SocketException)
            {
                // Taken for UDP: try the next.
            }
        }
    }
}
