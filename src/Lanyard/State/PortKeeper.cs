using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>
/// Binds a node that may use any port to the port that it used last time. Peers keep a path and NATs keep a mapping for a while, so peers reach such a node at
/// once. They may not reach a node with another port for 20 seconds.
/// </summary>
internal static class PortKeeper
{
    public static UdpTransport Bind(IReadOnlyList<IPAddress> addresses, int port, bool batch, bool awaitAddresses, ILanyardStore store, ILogger logger)
    {
        if (port != 0)
            return UdpTransport.Bind(addresses, port, batch, awaitAddresses, logger);
        UdpTransport? transport = null;
        if (TryLoad(store) is { } text
            && ushort.TryParse(Encoding.ASCII.GetString(text).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            && last != 0)
        {
            try
            {
                transport = UdpTransport.Bind(addresses, last, batch, awaitAddresses, logger);
            }
            catch (LanyardException)
            {
                // Another process uses the port now. Any other port will do.
                Log.PortTaken(logger, last);
            }
        }

        transport ??= UdpTransport.Bind(addresses, 0, batch, awaitAddresses, logger);
        store.Save(StateNames.Port, Encoding.ASCII.GetBytes(transport.Port.ToString(CultureInfo.InvariantCulture)));
        return transport;
    }

    // Returns null for a file that cannot be read.
    private static byte[]? TryLoad(ILanyardStore store)
    {
        try
        {
            return store.Load(StateNames.Port);
        }
        catch (LanyardException)
        {
            return null;
        }
    }
}
