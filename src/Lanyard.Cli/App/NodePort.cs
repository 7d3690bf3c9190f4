using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Lanyard.Service;

namespace Lanyard.Cli.App;

/// <summary>
/// The UDP port of a folder's node: the one that its <c>local.conf</c> asks for, or else the one that it had last time. A node that comes back at
/// the same port is reached over the paths that its peers, and the NATs between, still know.
/// </summary>
internal static class NodePort
{
    private const string FileName = "udp.port";

    /// <summary>The port to ask for; 0 where any will do.</summary>
    public static int Choose(string home)
    {
        if (LocalConfiguration.Read(home).PrimaryPort is { } configured)
            return configured;
        try
        {
            return ushort.TryParse(File.ReadAllText(Path.Combine(home, FileName)), NumberStyles.None, CultureInfo.InvariantCulture, out var last) && IsFree(last) ? last : 0;
        }
        catch (Exception unknown) when (unknown is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }

    /// <summary>Remembers the port that a node has. Failing to costs the next start some time, and nothing else.</summary>
    public static void Remember(string home, int port)
    {
        try
        {
            File.WriteAllText(Path.Combine(home, FileName), port.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
        }
    }

    private static bool IsFree(int port)
    {
        try
        {
            using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            probe.Bind(new IPEndPoint(IPAddress.Any, port));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
