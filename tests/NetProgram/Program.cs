// Kestrel and HttpClient. Usage: NetProgram serve PORT | fetch URL
using System.Net;

if (args is ["serve", var port])
{
    var builder = WebApplication.CreateSlimBuilder();
    builder.Logging.ClearProviders();
    builder.WebHost.UseUrls($"http://*:{port}");
    var app = builder.Build();
    app.MapGet("/", (HttpContext context) =>
    {
        var caller = context.Connection.RemoteIpAddress ?? IPAddress.None;
        return $"kestrel for {(caller.IsIPv4MappedToIPv6 ? caller.MapToIPv4() : caller)}\n";
    });
    await app.RunAsync();
    return 0;
}

if (args is ["fetch", var url])
{
    using var client = new HttpClient();
    Console.Write(await client.GetStringAsync(new Uri(url)));
    return 0;
}

return 2;
