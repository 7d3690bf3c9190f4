using System.Text.Json;
using Lanyard.Engine;
using Lanyard.Engine.Networks;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>Writes a joined network for <c>GET /network</c>. Fields are in alphabetical order, as in existing nodes.</summary>
internal static class JoinedNetworkJson
{
    private const string DeviceAlphabet = "abcdefghijklmnopqrstuvwxyz234567";

    public static void Write(Utf8JsonWriter writer, LanyardNetwork network)
    {
        // Read the status first, so that its configuration exists.
        var status = network.Status;
        var config = network.Config;
        var settings = network.Settings;
        writer.WriteStartObject();
        writer.WriteBoolean("allowDNS", settings.AllowDns);
        writer.WriteBoolean("allowDefault", settings.AllowDefault);
        writer.WriteBoolean("allowGlobal", settings.AllowGlobal);
        writer.WriteBoolean("allowManaged", settings.AllowManaged);
        writer.WriteStartArray("assignedAddresses");
        foreach (var address in config?.StaticAddresses ?? default)
            writer.WriteStringValue(address.ToString());
        writer.WriteEndArray();
        if (config is { Sso.IsEnabled: true })
        {
            writer.WriteNumber("authenticationExpiryTime", config.Sso.AuthenticationExpiry);
            writer.WriteString("authenticationURL", config.Sso.AuthenticationUrl);
        }

        writer.WriteBoolean("bridge", config?.HasRole(network.Node.Address, SpecialistRoles.ActiveBridge) ?? false);
        writer.WriteBoolean("broadcastEnabled", config?.Flags.HasFlag(NetworkFlags.Broadcast) ?? false);
        writer.WriteBoolean("dhcp", false);
        WriteDns(writer, config?.Dns);
        writer.WriteString("id", network.Id.ToString());
        writer.WriteString("mac", network.Mac.ToString());
        writer.WriteNumber("mtu", config?.Mtu ?? NetworkLimits.DefaultMtu);
        WriteGroups(writer, network);
        writer.WriteString("name", config?.Name ?? "");
        writer.WriteNumber("netconfRevision", config?.Revision ?? 0);
        writer.WriteString("nwid", network.Id.ToString());
        writer.WriteString("portDeviceName", DeviceName(network.Id));
        writer.WriteNumber("portError", 0);
        WriteRoutes(writer, config?.Routes ?? default);
        if (config is { Sso.IsEnabled: true })
            writer.WriteBoolean("ssoEnabled", true);
        writer.WriteString("status", Name(status));
        writer.WriteString("type", config is { IsPublic: true } ? "PUBLIC" : "PRIVATE");
        writer.WriteEndObject();
    }

    /// <summary>
    /// Returns the name that a network's TUN device would have. Tools show it, and some use it as the network's short name. Forty bits
    /// of the ID in base 32.
    /// </summary>
    internal static string DeviceName(NetworkId id) => string.Create(10, (id.Value ^ (id.Value >> 24)) & 0xff_ffff_ffff, static (name, bits) =>
    {
        "zt".CopyTo(name);
        for (var i = 9; i >= 2; i--, bits >>= 5)
            name[i] = DeviceAlphabet[(int)(bits & 31)];
    });

    private static string Name(LanyardNetworkStatus status) => status switch
    {
        LanyardNetworkStatus.Ok => "OK",
        LanyardNetworkStatus.AccessDenied => "ACCESS_DENIED",
        LanyardNetworkStatus.NotFound => "NOT_FOUND",
        LanyardNetworkStatus.AuthenticationRequired => "AUTHENTICATION_REQUIRED",
        _ => "REQUESTING_CONFIGURATION",
    };

    private static void WriteDns(Utf8JsonWriter writer, NetworkDns? dns)
    {
        writer.WriteStartObject("dns");
        writer.WriteString("domain", dns?.Domain ?? "");
        writer.WriteStartArray("servers");
        foreach (var server in dns?.Servers ?? default)
            writer.WriteStringValue(server.ToString());
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <summary>Writes the additional distinguishing information (ADI) of a multicast group: an ARP group contains the IP address.</summary>
    private static void WriteGroups(Utf8JsonWriter writer, LanyardNetwork network)
    {
        writer.WriteStartArray("multicastSubscriptions");
        foreach (var group in network.GetMulticastGroups().OrderBy(group => group.Mac.Value).ThenBy(Adi))
        {
            writer.WriteStartObject();
            writer.WriteNumber("adi", Adi(group));
            writer.WriteString("mac", group.Mac.ToString());
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteRoutes(Utf8JsonWriter writer, EquatableArray<NetworkRoute> routes)
    {
        writer.WriteStartArray("routes");
        foreach (var route in routes)
        {
            writer.WriteStartObject();
            writer.WriteNumber("flags", route.Flags);
            writer.WriteNumber("metric", route.Metric);
            writer.WriteString("target", route.Target.ToString());
            if (route.Via.Family == route.Target.Address.Family)
                writer.WriteString("via", route.Via.ToString());
            else
                writer.WriteNull("via");
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static uint Adi(LanyardMulticastGroup group) => group.ArpAddress is { } address ? InetAddress.FromIPAddress(address).V4 : 0;
}
