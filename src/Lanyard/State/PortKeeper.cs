using System.Globalization;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;

namespace Lanyard;

/// <summary>
/// Binds a node that may use any port to the one that it had last time. Peers hold on to a path for a while and NATs to a mapping: a node that comes
/// back where it was is reached at once, while one that moved to another port can be out of their reach for 20 seconds.
/// </summary>
internal static class PortKeeper
{
    private const string Name = "lanyard.port";

    public static UdpTransport Bind(IReadOnlyList<IPAddress> addresses, int port, bool batch, ILanyardStore store, ILogger logger)
    {
        if (port != 0)
            return UdpTransport.Bind(addresses, port, batch, logger);
        UdpTransport? transport = null;
        if (store.Load(Name) is { } text
            && ushort.TryParse(Encoding.ASCII.GetString(text).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var last)
            && last != 0)
        {
            try
            {
                transport = UdpTransport.Bind(addresses, last, batch, logger);
            }
            catch (LanyardException)
            {
                // Somebody else has it now: any other will do.
                Log.PortTaken(logger, last);
            }
        }

        transport ??= UdpTransport.Bind(addresses, 0, batch, logger);
        store.Save(Name, Encoding.ASCII.GetBytes(transport.Port.ToString(CultureInfo.InvariantCulture)));
        return transport;
    }
}
