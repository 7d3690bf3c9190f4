using System.Text.Json;

namespace Lanyard.Cli.Daemon;

/// <summary>Prints networks as a table.</summary>
internal static class NetworkTable
{
    public static void Write(TextWriter output, params ReadOnlySpan<JsonElement> networks)
    {
        var table = new TextTable("NETWORK", "NAME", "STATUS", "TYPE", "MAC", "ADDRESSES");
        foreach (var network in networks)
        {
            table.Add(
                network.Text("id"), network.Text("name"), network.Text("status"), network.Text("type"), network.Text("mac"),
                string.Join(',', network.Texts("assignedAddresses")));
        }

        table.Write(output);
    }
}
