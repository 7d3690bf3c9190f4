using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Standard;

// Arguments: state folder, network, URL.
var builder = Host.CreateApplicationBuilder();
builder.Services.AddHostedService(services => new Greeter(services.GetRequiredService<IHostApplicationLifetime>(), args));
await builder.Build().RunAsync();

internal sealed class Greeter(IHostApplicationLifetime lifetime, string[] args) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Console.WriteLine(await Greeting.GetAsync(args[0], args[1], new Uri(args[2]), stoppingToken));
        lifetime.StopApplication();
    }
}
